import type { ArchitectureConfig } from "../../config/model/architecture.ts";
import type { DialsConfig, KindConfig, OwnKindConfig } from "../../config/model/model.ts";
import { TRAINING_DEFAULTS } from "../../config/model/training.ts";
import type { TransferConfig } from "../../config/model/transfer.ts";
import { isModulePath } from "../../config/module-path.ts";
import type { RunConfig } from "./run-config.ts";

/** A model as a run keeps it. Earlier versions kept the parts of all kinds, and a teacher that is null. */
export interface StoredModel extends DialsConfig {
  readonly kind: KindConfig["kind"];
  readonly architecture?: ArchitectureConfig;
  readonly options?: OwnKindConfig["options"];
  readonly teacher?: string | null;
  readonly transfer?: TransferConfig;
}

/** Keys that models did not have at first: without counters in the project there were none to read. */
const KEYS_SINCE = { counters: null } as const;

/** The model of a run, with the parts of its kind and no others. */
export function modelOfRun(stored: StoredModel): RunConfig["model"] {
  const { kind, architecture, options, teacher, transfer, ...dials } = stored;
  const part = kind === "foundation" ? { architecture } : isModulePath(kind) ? { options } : {};
  const teaching = teacher && transfer ? { teacher, transfer } : {};
  // What has no key yet was trained as its default has it: keys come with the default that changes nothing.
  const training = { ...TRAINING_DEFAULTS, ...dials.training };
  return { ...({ kind, ...part } as KindConfig), ...KEYS_SINCE, ...dials, training, ...teaching };
}
