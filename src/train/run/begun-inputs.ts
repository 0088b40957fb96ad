import { existsSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import type { FeatureSpec } from "../../features/spec.ts";
import { FACTS, readFacts } from "../inputs.ts";
import type { RunFolder } from "./run-folder.ts";

/**
 * Refuses to go on with inputs that are not those a run's checkpoints have learned from. The events and the configuration are
 * the same, so another version measured them: codes would mean something else.
 *
 * @throws {LapidaryError} RUN_CHANGED
 */
export function checkBegunInputs(
  { path, inputs, checkpoints }: Pick<RunFolder, "path" | "inputs" | "checkpoints">,
  spec: FeatureSpec,
): void {
  if (checkpoints.isEmpty || !existsSync(join(inputs, FACTS))) return;
  if (JSON.stringify(readFacts(inputs).spec) === JSON.stringify(spec)) return;
  throw new LapidaryError({
    code: "RUN_CHANGED",
    where: path,
    expected: "the inputs that the run was begun with",
    got: "others, of the same events and settings: a version of Lapidary that measures them in another way",
    hint: "Go on with the version that began it, or start over with --fresh (the earlier run is kept beside it).",
  });
}
