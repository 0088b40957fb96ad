import type { Calibration } from "../../features/calibration.ts";
import { KNOWN_OUTCOMES, ORACLES, oracleColumn } from "./oracles.ts";

/** What oracles said, with the surface, by which it is calibrated. */
export const ASKED_SQL = `SELECT event, time, user, surface, isAd, COLUMNS('oracle\\d+') FROM staged`;

/** What oracles say in the end, of the outcomes that the event has, as the truth. */
export function calibratedSql(calibrations: readonly (readonly Calibration[])[]): string {
  const columns = calibrations.map((bySurface, i) => {
    const of = (key: "scale" | "shift") => `([${bySurface.map((own) => own[key]).join(", ")}]::DOUBLE[])[surface + 1]`;
    const z = `${of("scale")} * ln(oracle${i}::DOUBLE / (1 - oracle${i}::DOUBLE)) + ${of("shift")}`;
    const isAsIs = bySurface.every(({ scale, shift }) => scale === 1 && shift === 0);
    const value = isAsIs ? `oracle${i}` : `(1 / (1 + exp(-(${z}))))::FLOAT`;
    const outcome = KNOWN_OUTCOMES[i % KNOWN_OUTCOMES.length]!;
    const said = outcome === "like" ? value : `CASE WHEN isAd = 1 THEN ${value} END`;
    return `${said} AS ${oracleColumn(outcome, ORACLES[Math.floor(i / KNOWN_OUTCOMES.length)]!)}`;
  });
  const keys = "event::BIGINT AS event_id, make_timestamp_ms(time::BIGINT) AS time, user AS user_id";
  return `SELECT ${[keys, ...columns].join(", ")}`;
}
