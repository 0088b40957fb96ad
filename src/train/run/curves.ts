import { type CurveRecord, CurveWriter } from "../../report/jsonl.ts";
import { TensorBoardWriter } from "../../report/tensorboard.ts";
import type { TrainingPosition } from "./checkpoint.ts";
import type { RunFolder } from "./run-folder.ts";

/** Name of the curve that has a point at the end of each epoch. */
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

/** The last update of an epoch and its validation have the same step, and the position may stand between the two. */
function isBehind(record: CurveRecord, { step, batch }: TrainingPosition): boolean {
  return record.step < step || (record.step === step && !(batch > 0 && VALIDATION in record));
}
