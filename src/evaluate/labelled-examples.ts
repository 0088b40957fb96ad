import type { ProjectConfig } from "../config/project.ts";
import type { Split } from "../config/types.ts";
import { knownLabels } from "../data/examples/known-labels.ts";
import { type EventStore, windowOf } from "../data/index.ts";
import type { Predictions } from "../train/predict.ts";

/** The examples of all yes/no objectives that a run would be scored on, with logits of 0: what is known needs no run. */
export function labelledExamples(project: ProjectConfig, store: EventStore, split: Split): Predictions {
  const only = { surface: null, origin: null, sample: project.evaluation.sample };
  const of = { window: windowOf(project.split, split), only, horizonMs: Number.MAX_SAFE_INTEGER };
  const objectives = store.manifest.schema.outcomes.filter(({ objective, kind }) => objective && kind === "flag");
  return Object.fromEntries(
    objectives.map(({ name }) => {
      const columns = knownLabels(store, name, of);
      return [name, { ...columns, logits: new Float64Array(columns.rows.length) }];
    }),
  );
}
