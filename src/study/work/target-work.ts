/** A study of the way to a target, from its seeds to its report. */
import type { ProjectConfig } from "../../config/project.ts";
import type { TargetStudy } from "../../config/study/studies.ts";
import type { EventStore } from "../../data/index.ts";
import { sizesOf } from "../../model/sizes.ts";
import { modelOf } from "../../train/index.ts";
import { seedTasks } from "../target/plan-target.ts";
import { readSeedRow } from "../target/seed-row.ts";
import { analyseTarget, mlperfFlops } from "../target/target.ts";
import { changedRuns, type StudyWork } from "./study-work.ts";

/** @throws {LapidaryError} RUN_CHANGED, SPLIT_KIND unless windows are of time */
export function targetWork(
  project: ProjectConfig,
  name: string,
  { study, store }: { readonly study: TargetStudy; readonly store: EventStore },
): StudyWork {
  const { model, metric, objective, target, everyMs } = study;
  const seeds = seedTasks(project, { name, study, store });
  const changed = seeds.filter(({ standing }) => standing === "changed").map(({ task }) => task.stream.file);
  if (changed.length > 0) throw changedRuns(changed, seeds.length);
  return {
    total: seeds.length,
    pending: seeds.filter(({ standing }) => standing === "open").map(({ task }) => ({ task, work: 1 })),
    onScored: () => {},
    report: async () => {
      const rows = seeds.map(({ seed, task: { stream } }) => ({
        seed,
        row: readSeedRow(stream.file, stream.settings),
      }));
      const config = modelOf(project, model);
      const { layers, dim, numHeads: heads } = sizesOf(config);
      const size = { layers, dim, heads, headDim: dim / heads, length: config.history };
      const facts = { model, metric, objective, target, everyMs, mlperfFlopsPerExample: mlperfFlops(size) };
      const result = analyseTarget(rows, facts);
      const examples = result.windows.reduce((sum, { scored }) => sum + scored, 0);
      const compared = { window: null, examples, users: null, best: {}, bestBySurface: {} };
      return { study: name, seeds: study.seeds, ...compared, result };
    },
  };
}
