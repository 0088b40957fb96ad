import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../src/base/errors.ts";
import { ProcessMesh } from "../src/distributed/index.ts";
import type { Batch } from "../src/features/spec.ts";
import type { Model } from "../src/model/index.ts";
import { writeSafetensors } from "../src/torch/files/safetensors.ts";
import { Scope, setThreads } from "../src/torch/index.ts";
import { Learner } from "../src/train/learner.ts";
import { secondsOf } from "./harness/harness.ts";
import { Peer } from "./harness/peer.ts";
import { batchTensors, type comparableTraining, SPEC } from "./train-data.ts";

/** The trainer's update without a schedule and without other processes. */
const ALONE = { mesh: ProcessMesh.single(), schedule: () => 1 };

/** What is trained on both sides. */
export interface TrainingSides {
  /** Ours, whose initial parameters the peer gets. */
  readonly model: Model;
  /** Both sides go through them again and again. */
  readonly batches: readonly Batch[];
  readonly training: ReturnType<typeof comparableTraining>;
  readonly threads: number;
  /** The peer's program in `bench/peers`, and what else it must know; null to train alone. */
  readonly peer: { readonly script: string; readonly request?: Readonly<Record<string, unknown>> } | null;
}

/** One model in training here and in PyTorch, from the same parameters on the same batches. */
export class TrainingPair implements AsyncDisposable {
  readonly #learner: Learner;
  readonly #sides: TrainingSides;
  readonly #peer: Peer | null;
  #next = 0;

  private constructor(sides: TrainingSides, peer: Peer | null) {
    this.#learner = Learner.of(sides.model);
    this.#sides = sides;
    this.#peer = peer;
  }

  /** @throws {LapidaryError} BENCH_PEER_UNAVAILABLE if Python or its torch is missing */
  static async start(sides: TrainingSides): Promise<TrainingPair> {
    const { peer, threads } = sides;
    setThreads(threads);
    const pair = new TrainingPair(sides, peer && (await Peer.start(peer.script, { threads })));
    await pair.#load();
    return pair;
  }

  /** One update here. Returns the loss before it. */
  step(): number {
    const { batches, training } = this.#sides;
    return this.#learner.update(batches[this.#next++ % batches.length] as Batch, training, ALONE).loss;
  }

  /** The losses of one update per batch. */
  losses(): readonly number[] {
    return this.#sides.batches.map(() => this.step());
  }

  /** Goes through the batches, for the first time, on both sides. @throws {LapidaryError} BENCH_MISMATCH at the first loss that differs */
  async checkLosses(where: string, tolerance: number): Promise<void> {
    const ours = this.losses();
    if (this.#peer === null) return;
    const theirs = await this.#peer.ask<readonly number[]>("losses");
    const step = ours.findIndex((loss, i) => !(Math.abs(loss - (theirs[i] ?? Number.NaN)) <= tolerance));
    if (step < 0) return;
    throw new LapidaryError({
      code: "BENCH_MISMATCH",
      where: `${where}, step ${step}`,
      expected: `losses within ${tolerance} of each other`,
      got: `${ours[step]} here, ${theirs[step]} there`,
      hint: "Compare the two models layer by layer, from the same parameters.",
    });
  }

  /** @unit s */
  secondsFor(steps: number): number {
    return secondsOf(() => {
      for (let i = 0; i < steps; i++) this.step();
    });
  }

  /** Of the peer; null if there is none. @unit s */
  get peerSecondsFor(): ((steps: number) => Promise<number>) | null {
    const peer = this.#peer;
    return peer && ((steps) => peer.ask<number>({ steps }));
  }

  /** Ends the peer. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer?.[Symbol.asyncDispose]();
  }

  /** Gives the peer our initial parameters and our batches, as a file. */
  async #load(): Promise<void> {
    const { batches, training, peer } = this.#sides;
    if (this.#peer === null) return;
    const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
    try {
      const path = join(folder, "inputs.safetensors");
      using _ = new Scope();
      const tensors = batches.map((batch, i) => batchTensors(batch, `batch.${i}`));
      writeSafetensors(path, Object.assign(this.#learner.tensors(), ...tensors));
      await this.#peer.ask({ load: path, spec: SPEC, training, batches: batches.length, ...peer?.request });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}
