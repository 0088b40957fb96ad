import type { Ranker } from "./audit.ts";
import { noRanking, otherModel } from "./audit-errors.ts";

/** How the answer begins of a server that serves no model of the name. */
const UNKNOWN_MODEL = '"code":"SERVE_NOT_FOUND","where":"model"';

/**
 * Ranks with the server at `url`.
 *
 * @throws {LapidaryError} AUDIT_MODEL if it has no such model, AUDIT_SERVER if it refuses or does not answer
 */
export function rankOverHttp(url: string): Ranker {
  return async (request) => {
    const response = await fetch(new URL("/rank", url), { method: "POST", body: JSON.stringify(request) }).catch(
      (error: Error) => {
        throw noRanking(url, error.cause instanceof Error ? error.cause.message : error.message);
      },
    );
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    if (response.status === 404 && text.includes(UNKNOWN_MODEL))
      throw otherModel("the run's model", text.slice(0, 400));
    throw noRanking(url, `${response.status} ${text.slice(0, 400)}`);
  };
}
