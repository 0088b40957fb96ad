import { CurveWriter } from "../report/jsonl.ts";
import { TensorBoardWriter } from "../report/tensorboard.ts";
import type { RunFolder } from "./run-folder.ts";

/** The curves of a run, in both of their formats: `metrics.jsonl` and TensorBoard event files. */
export class Curves {
  readonly #jsonl: CurveWriter;
  readonly #tensorboard: TensorBoardWriter;

  /** @param step where training continues: later points of an earlier session are dropped */
  constructor(folder: RunFolder, step: number) {
    this.#jsonl = CurveWriter.open(folder.curve, { throughStep: step });
    this.#tensorboard = TensorBoardWriter.open(folder.tensorboard, step === 0 ? {} : { purgeStep: step + 1 });
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
