/** How much of what the machine can do a training uses: MFU, and where its time goes. */
import type { TrainingConfig } from "../../config/model/training.ts";
import type { ProcessMesh } from "../../distributed/index.ts";
import type { Batch } from "../../features/spec.ts";
import { peakFlops } from "./peak.ts";

/** What an update spends its time on, in this order; tensors of a GPU are waited for at the end of `backward` alone. */
export const PHASES = ["forward", "backward", "dense", "tables"] as const;

/** A number for each phase of an update. */
export type ByPhase = Readonly<Record<(typeof PHASES)[number], number>>;

/** One part of a model in the forward pass. */
export interface PartUse {
  /** Of the forward pass's time, what lies between its operators included. */
  readonly timeRatio: number;
  /** FLOPs of its matrix products ÷ (its time × peak). */
  readonly mfu: number;
}

/** How a training used the machine, of the updates since it was last started. */
export interface Utilization {
  /** Of a large matrix product with the run's threads, all processes together. @unit FLOP/s */
  readonly peakFlops: number;
  /** Model FLOPs utilization, end to end: FLOPs of the examples ÷ (time in updates and waiting for batches × peak). */
  readonly mfu: number;
  /** The same without waiting. */
  readonly updateMfu: number;
  /** Share of the time in updates and waiting in which it waited for a batch. */
  readonly waitRatio: number;
  /** Validation ÷ all three. */
  readonly validationRatio: number;
  /** Of batches, as the model reads them. @unit bytes/s */
  readonly batchBytesPerSecond: number;
  /** Shares of the time in updates: `dense` has AdamW, and what processes tell each other of its gradient. */
  readonly phases: ByPhase;
  /** By part of the model, of a few forward passes on one batch. Backward is not timed by part. */
  readonly forwardParts: Readonly<Record<string, PartUse>>;
}

/** What of a run does not show in its meter. */
interface UtilizationOptions {
  readonly trainingFlopsPerExample: number;
  readonly training: Pick<TrainingConfig, "precision">;
  readonly mesh: ProcessMesh;
  /** Seconds and FLOPs of the parts of one forward pass. */
  readonly parts: Readonly<Record<string, { readonly seconds: number; readonly flops: number }>>;
}

/** Adds up where the time of a training goes. */
export class WorkMeter {
  #examples = 0;
  #bytes = 0;
  #waiting = 0;
  #validation = 0;
  readonly #phases: Record<keyof ByPhase, number> = { forward: 0, backward: 0, dense: 0, tables: 0 };

  /** Adds an update of this process's part of a global batch. @unit s */
  addUpdate(batch: Batch, { examples, phases }: { readonly examples: number; readonly phases: ByPhase }): void {
    this.#examples += examples;
    this.#bytes += bytesOf(batch);
    for (const phase of PHASES) this.#phases[phase] += phases[phase];
  }

  /** Adds time in which there was no batch. @unit s */
  addWaiting(seconds: number): void {
    this.#waiting += seconds;
  }

  /** @unit s */
  addValidation(seconds: number): void {
    this.#validation += seconds;
  }

  /** Of all processes; null before the first update. */
  utilization({ trainingFlopsPerExample, training, mesh, parts }: UtilizationOptions): Utilization | null {
    if (this.#examples === 0) return null;
    const own = [peakFlops(training.precision), this.#bytes, this.#waiting, this.#validation];
    const sums = mesh.sumState(Float64Array.of(...own, ...PHASES.map((phase) => this.#phases[phase])));
    const [peak = 0, bytes = 0, waiting = 0, validation = 0] = sums;
    const spent = PHASES.map((_, p) => sums[own.length + p] ?? 0);
    const updates = spent.reduce((sum, seconds) => sum + seconds, 0);
    const flops = trainingFlopsPerExample * this.#examples;
    // Each process has its time and its part of the peak.
    const share = (seconds: number): number => (flops * mesh.size) / (seconds * peak);
    return {
      peakFlops: peak,
      mfu: share(updates + waiting),
      updateMfu: share(updates),
      waitRatio: waiting / (updates + waiting),
      validationRatio: validation / (updates + waiting + validation),
      batchBytesPerSecond: (bytes * mesh.size) / (updates + waiting),
      phases: Object.fromEntries(PHASES.map((phase, p) => [phase, (spent[p] ?? 0) / updates])) as unknown as ByPhase,
      forwardParts: partUse(parts, own[0] ?? 0),
    };
  }
}

function partUse(parts: UtilizationOptions["parts"], peak: number): Utilization["forwardParts"] {
  const total = Object.values(parts).reduce((sum, { seconds }) => sum + seconds, 0);
  const used = Object.entries(parts).map(([name, { seconds, flops }]) => {
    return [name, { timeRatio: seconds / total, mfu: flops / (seconds * peak) }] as const;
  });
  return Object.fromEntries(used);
}

/** Bytes of all columns of a batch. */
export function bytesOf(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, field) => sum + bytesOf(field), 0);
}
