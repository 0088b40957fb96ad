import { LapidaryError } from "../base/errors.ts";
import type { Ranker } from "./audit.ts";

/** Ranks with the server at `url`. @throws {LapidaryError} AUDIT_SERVER if it refuses or does not answer */
export function rankOverHttp(url: string): Ranker {
  return async (request) => {
    const response = await fetch(new URL("/rank", url), { method: "POST", body: JSON.stringify(request) }).catch(
      (error: Error) => {
        throw refused(url, error.cause instanceof Error ? error.cause.message : error.message);
      },
    );
    const text = await response.text();
    if (!response.ok) throw refused(url, `${response.status} ${text.slice(0, 400)}`);
    return JSON.parse(text);
  };
}

function refused(where: string, got: string): LapidaryError {
  const hint = "Start it with `lapidary serve`; its answer says what it refuses.";
  return new LapidaryError({ code: "AUDIT_SERVER", where, expected: "a ranking", got, hint });
}
