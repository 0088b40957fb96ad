import { join } from "node:path";
import type { ModelConfig } from "../config/model/model.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { AblationStudy, ScalingStudy, StudyVariant, StudyWindow } from "../config/study/studies.ts";

/** One run of a cell. */
export interface CellRun {
  /** Name of the run, below the project's runs. */
  readonly run: string;
  readonly model: ModelConfig;
}

/** One model of a study, trained with one seed on one share of the data. */
export interface Cell {
  /** Family of a scaling study, or variant of an ablation. */
  readonly variant: string;
  /** Name in the configuration of the model that it is or was changed from. */
  readonly model: string;
  readonly size: ModelConfig["size"];
  /** Newest share of the training window, in (0, 1]. */
  readonly share: number;
  readonly seed: number;
  readonly window: StudyWindow;
  /** One; or one per surface, which score together what one would score alone. */
  readonly runs: readonly CellRun[];
}

/** Folder of a study, below the project's runs. */
export function studyFolder(study: string): string {
  return join("studies", study);
}

/** The cells of a scaling study: by family, size, share, seed. */
export function scalingCells(project: ProjectConfig, name: string, study: ScalingStudy): readonly Cell[] {
  const { models, sizes, data, seeds, window } = study;
  return models.flatMap((model) =>
    (sizes[model] ?? []).flatMap((size) =>
      data.flatMap((share) =>
        seeds.map((seed): Cell => {
          // Names of models were checked with the configuration.
          const config = { ...(project.models[model] as ModelConfig), size };
          const run = join(studyFolder(name), `${model}-${size}-${share}-s${seed}`);
          return { variant: model, model, size, share, seed, window, runs: [{ run, model: onePass(config, seed) }] };
        }),
      ),
    ),
  );
}

/** The cells of an ablation: by variant, seed. */
export function ablationCells(name: string, study: AblationStudy, surfaces: readonly string[]): readonly Cell[] {
  const { model, data: share, seeds, window } = study;
  return Object.entries(study.variants).flatMap(([variant, overrides]) =>
    seeds.map((seed): Cell => {
      const run = join(studyFolder(name), `${variant}-${share}-s${seed}`);
      const runs = runsOf(overrides, { run, seed, surfaces });
      return { variant, model, size: overrides.model.size, share, seed, window, runs };
    }),
  );
}

function runsOf(
  { apart, model }: StudyVariant,
  { run, seed, surfaces }: { readonly run: string; readonly seed: number; readonly surfaces: readonly string[] },
): readonly CellRun[] {
  const config = onePass(model, seed);
  if (!apart) return [{ run, model: config }];
  return surfaces.map((surface) => ({
    run: `${run}@${encodeURIComponent(surface)}`,
    model: { ...config, surface },
  }));
}

/** Of the online setting that scaling is studied in, day after day; one thread, so that bits do not depend on the cells beside it. */
function onePass(model: ModelConfig, seed: number): ModelConfig {
  return { ...model, training: { ...model.training, seed, epochs: 1, order: "days", threads: 1 } };
}
