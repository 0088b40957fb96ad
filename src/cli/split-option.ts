import { LapidaryError } from "../config/errors.ts";
import type { Split } from "../train/index.ts";

/** The window that `--split` names. @throws {LapidaryError} USAGE */
export async function splitOption(name: string): Promise<Split> {
  const { SPLITS } = await import("../train/index.ts");
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
