import { type CurveRecord, CurveWriter } from "../../report/jsonl.ts";
import { TensorBoardWriter } from "../../report/tensorboard.ts";
import type { TrainingPosition } from "./checkpoint.ts";
import type { RunFolder } from "./run-folder.ts";

/** Name of the curve that has a point at each validation. */
export const VALIDATION = "validationNormalizedEntropy";

/** The curves of a run, in both of their formats: `metrics.jsonl` and TensorBoard event files. */
export class Curves {
  readonly #jsonl: CurveWriter;
  readonly #tensorboard: TensorBoardWriter;

  /** @param position where training continues: points that an earlier session wrote beyond it are dropped */
  constructor(folder: RunFolder, position: TrainingPosition) {
    this.#jsonl = CurveWriter.open(folder.curve, { keep: (record) => isBehind(record, position) });
    this.#tensorboard = TensorBoardWriter.open(folder.tensorboard, { purgeStep: position.step + 1 });
  }

  /** Adds a point at `step` to each named curve; kept in memory until {@link flush}. */
  write(step: number, values: Readonly<Record<string, number>>): void {
    this.#jsonl.write({ step, ...values });
    this.#tensorboard.scalars(step, values);
  }

  /** Writes what was added, and waits until it is on the disk. */
  flush(): void {
    this.#jsonl.flush();
    this.#tensorboard.flush();
  }

  /** Flushes and closes the files; a second call does nothing. */
  close(): void {
    this.#jsonl.close();
    this.#tensorboard.close();
  }
}

/** An update and the validation after it have the same step, and the position may stand between the two. */
function isBehind(record: CurveRecord, position: TrainingPosition): boolean {
  const { step } = position;
  return record.step < step || (record.step === step && !(VALIDATION in record && !isValidated(position)));
}

/** Whether the model was validated where training stands. */
export function isValidated({ step, batch, validated }: TrainingPosition): boolean {
  return validated === undefined ? batch === 0 : validated === step;
}
