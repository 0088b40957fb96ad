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
  /** Below the project's runs, and of its row below the project's folder. */
  readonly name: string;
  /** Family of a scaling study, or variant of an ablation. */
  readonly variant: string;
  /** Name in the configuration of the model that it is or was changed from. */
  readonly model: string;
  readonly size: ModelConfig["size"];
  /** Share of the data, in (0, 1]. */
  readonly share: number;
  /** Newest share of the training window that it is trained on: {@link share}, or 1 if that is a sample of it. */
  readonly newest: number;
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
  const { models, sizes, data, dataFrom, seeds, window } = study;
  const isSample = dataFrom === "sample";
  return models.flatMap((model) =>
    (sizes[model] ?? []).flatMap((size) =>
      data.flatMap((share) =>
        seeds.map((seed): Cell => {
          // Names of models were checked with the configuration.
          const whole = { ...(project.models[model] as ModelConfig), size };
          const config = isSample ? sampled(whole, share) : whole;
          const cell = join(studyFolder(name), `${model}-${size}-${share}-s${seed}`);
          const runs = [{ run: cell, model: onePass(config, seed) }];
          return { name: cell, variant: model, model, size, share, newest: isSample ? 1 : share, seed, window, runs };
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
      const cell = join(studyFolder(name), `${variant}-${share}-s${seed}`);
      const runs = runsOf(overrides, { run: cell, seed, surfaces });
      return { name: cell, variant, model, size: overrides.model.size, share, newest: share, seed, window, runs };
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

/** Learns from a share of what it would learn from. */
function sampled(model: ModelConfig, share: number): ModelConfig {
  const { training } = model;
  return { ...model, training: { ...training, sample: training.sample * share } };
}

/** Of the online setting that scaling is studied in, day after day; one thread, so that bits do not depend on the cells beside it. */
function onePass(model: ModelConfig, seed: number): ModelConfig {
  return { ...model, training: { ...model.training, seed, epochs: 1, order: "days", threads: 1 } };
}
