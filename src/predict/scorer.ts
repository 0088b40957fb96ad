import { LapidaryError } from "../base/errors.ts";
import { readBundle } from "../bundle/index.ts";
import { TEACHER_KINDS } from "../config/model/model.ts";
import { type Calibration, UNCALIBRATED } from "../features/calibration.ts";
import { objectivesOf, outputWidth } from "../features/objectives.ts";
import type { Batch } from "../features/spec.ts";
import { OUTCOME_FORMS, scoresOf } from "../metrics/outcomes/index.ts";
import { isTeacher, type Teacher } from "../model/index.ts";
import { noGrad, Scope, type Tensor } from "../torch/index.ts";
import { type OpenedRun, scoreBatch } from "../train/index.ts";

/** What a run says of a batch. */
export interface Scores {
  /** Of each objective, its mean for every example: its probability `σ(scale · z + shift)`, its expected amount or count. @shape [T][B] */
  readonly means: readonly (readonly number[])[];
  /** What the model made of the user at each example; null unless it is asked for. @shape [B][D] */
  readonly embeddings: readonly (readonly number[])[] | null;
}

/** What of a run's scores is wanted. */
export interface ScorerOptions {
  readonly embeddings: boolean;
  /** Folder of a bundle of this run, whose calibration is applied; null for the run's own probabilities. */
  readonly bundle: string | null;
}

/** Scores batches with the model of a run. */
export class Scorer {
  readonly #opened: OpenedRun;
  readonly #teacher: Teacher | null;
  readonly #calibration: readonly Calibration[];

  /** @throws {LapidaryError} PREDICT_EMBEDDINGS if the model makes none, PREDICT_BUNDLE if it is another run's, BUNDLE_* */
  constructor(opened: OpenedRun, { embeddings, bundle }: ScorerOptions) {
    this.#opened = opened;
    this.#teacher = embeddings ? teacherOf(opened) : null;
    const { objectives } = opened.inputs.spec;
    this.#calibration = bundle === null ? objectives.map(() => UNCALIBRATED) : calibrationOf(opened, bundle);
  }

  score(batch: Batch): Scores {
    const represented = this.#teacher === null ? null : represent(this.#teacher, batch);
    const logits = represented?.logits ?? scoreBatch(this.#opened.model, batch);
    const { spec } = this.#opened.inputs;
    const width = outputWidth(spec);
    const means = objectivesOf(spec).map((objective, task) => {
      const calibration = this.#calibration[task] ?? UNCALIBRATED;
      return Array.from(scoresOf(logits, objective, { width, calibration }), OUTCOME_FORMS[objective.kind].mean);
    });
    return { means, embeddings: represented && rowsOf(represented.embeddings, batch.size) };
  }
}

function represent(teacher: Teacher, batch: Batch) {
  using _scope = new Scope();
  const { logits, embedding } = noGrad(() => teacher.represent(batch));
  const host = (tensor: Tensor): Float32Array =>
    tensor.to({ dtype: "float32", device: "cpu" }).contiguous().float32().slice();
  return { logits: host(logits), embeddings: host(embedding) };
}

function rowsOf(values: Float32Array, rows: number): readonly (readonly number[])[] {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => [...values.subarray(row * width, (row + 1) * width)]);
}

function teacherOf({ model, folder, config }: OpenedRun): Teacher {
  if (isTeacher(model)) return model;
  throw new LapidaryError({
    code: "PREDICT_EMBEDDINGS",
    where: folder.path,
    expected: `a model with \`represent\`, or of one of the kinds ${TEACHER_KINDS.join(", ")}`,
    got: config.model.kind,
    hint: "Leave out --embeddings, or take a run whose model makes something of the user's history.",
  });
}

function calibrationOf({ folder }: OpenedRun, dir: string): readonly Calibration[] {
  const { manifest } = readBundle(dir);
  const [expected, got = "none"] = [folder.checkpoints.bestDigest(), manifest.lineage["checkpoint"]];
  if (expected === got) return manifest.calibration;
  throw new LapidaryError({
    code: "PREDICT_BUNDLE",
    where: dir,
    expected: `a bundle of the run ${folder.path} (checkpoint ${expected.slice(0, 12)})`,
    got: `one of ${manifest.lineage["run"] ?? "another"} (checkpoint ${got.slice(0, 12)})`,
    hint: "Export this run, or leave out --bundle for the run's own probabilities.",
  });
}
