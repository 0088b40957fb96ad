import { LapidaryError } from "../base/errors.ts";
import { SPLITS, type Split } from "../config/types.ts";

/** The window that `--split` names. @throws {LapidaryError} USAGE */
export function splitOption(name: string): Split {
  const split = SPLITS.find((known) => known === name);
  if (split !== undefined) return split;
  const hint = "Use one of these.";
  throw new LapidaryError({
    code: "USAGE",
    where: "--split",
    expected: `one of ${SPLITS.join(", ")}`,
    got: name,
    hint,
  });
}
