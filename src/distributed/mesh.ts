import {
  fromArray,
  type GroupOptions,
  isDistributed,
  noGrad,
  ProcessGroup,
  readProcessEnvironment,
  Scope,
  type Tensor,
  type Variables,
} from "../torch/index.ts";
import { throughBuckets } from "./buckets.ts";

/** One direction of the mesh: processes that split one thing among them. */
export interface MeshAxis {
  /** What is split; `data`: the examples of a global batch. */
  readonly name: "data";
  readonly size: number;
  /** This process's place along the axis. */
  readonly rank: number;
}

/** A gradient of some rows of a table; rows may repeat. */
export interface RowGradient {
  /** @shape [k] */
  readonly indices: Tensor;
  /** @shape [k, D] */
  readonly values: Tensor;
}

/**
 * The processes of a job. All of them call the same methods in the same order; each call blocks until it is done, and
 * throws COLLECTIVE_FAILED when a process is gone. With one process everything is an identity, without copies.
 */
export class ProcessMesh implements Disposable {
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** Processes on this machine. */
  readonly localSize: number;
  /** The axes, outermost first; their sizes multiply to the mesh's. */
  readonly axes: readonly MeshAxis[];
  readonly #group: ProcessGroup | null;

  private constructor(group: ProcessGroup | null, localSize: number) {
    this.#group = group;
    this.rank = group?.rank ?? 0;
    this.size = group?.size ?? 1;
    this.localSize = localSize;
    this.axes = [{ name: "data", size: this.size, rank: this.rank }];
  }

  /** This process alone. */
  static single(): ProcessMesh {
    return new ProcessMesh(null, 1);
  }

  /**
   * The processes that `MASTER_ADDR`, `MASTER_PORT`, `RANK`, `WORLD_SIZE` name; this one alone if they name none.
   *
   * @throws {LapidaryError} DISTRIBUTED_ENVIRONMENT if some are missing; COLLECTIVE_FAILED if a process does not come
   */
  static fromEnvironment(options: GroupOptions = {}, variables: Variables = process.env): ProcessMesh {
    if (!isDistributed(variables)) return ProcessMesh.single();
    const place = readProcessEnvironment(variables);
    return place.size === 1 ? ProcessMesh.single() : ProcessMesh.over(ProcessGroup.connect(place, options), place);
  }

  /** The processes of a group, which the mesh closes with itself. @default localSize is the group's size */
  static over(group: ProcessGroup, { localSize = group.size }: { readonly localSize?: number } = {}): ProcessMesh {
    return new ProcessMesh(group, localSize);
  }

  /** Collectives started so far. */
  get collectives(): number {
    return this.#group?.collectives ?? 0;
  }

  /** Replaces each tensor by its average over the processes, `g = (Σ_r g_r) / n`; equal bits on all. In place. */
  averageGradients(tensors: readonly Tensor[]): void {
    const group = this.#group;
    if (group !== null) throughBuckets(tensors, (flat) => group.allReduce(flat, "average"));
  }

  /**
   * The row gradients of all processes in rank order, each divided by n: equal rows add up to their average over the
   * processes, as {@link averageGradients} gives it.
   *
   * @shape indices [k_r] → [Σ k_r], values [k_r, D] → [Σ k_r, D]
   */
  gatherRows({ indices, values }: RowGradient): RowGradient {
    const group = this.#group;
    if (group === null) return { indices, values };
    using scope = new Scope();
    const rows = group.allGatherUneven(indices.contiguous()).wait();
    const gradients = group.allGatherUneven(values.contiguous(), rows.lengths).wait();
    const scaled = noGrad(() => gradients.tensor.mul_(1 / this.size));
    return { indices: scope.keep(rows.tensor), values: scope.keep(scaled) };
  }

  /** Sum over the processes, element by element; all have the same length. */
  sumState(state: Float64Array): Float64Array {
    const group = this.#group;
    if (group === null || state.length === 0) return state;
    using _scope = new Scope();
    return numbersOf(group.allReduce(stateOn(group, state)).wait());
  }

  /** The states of all processes in rank order; lengths may differ. */
  gatherState(state: Float64Array): Float64Array[] {
    const group = this.#group;
    if (group === null) return [state];
    using _scope = new Scope();
    const { tensor, lengths } = group.allGatherUneven(stateOn(group, state)).wait();
    const all = numbersOf(tensor);
    let end = 0;
    return lengths.map((length) => {
      end += length;
      return all.slice(end - length, end);
    });
  }

  /** Whether any process says so; the same answer on all. */
  agree(flag: boolean): boolean {
    return (this.sumState(Float64Array.of(flag ? 1 : 0))[0] ?? 0) > 0;
  }

  /** Replaces each tensor by that of rank 0. In place. */
  broadcast(tensors: readonly Tensor[]): void {
    const group = this.#group;
    if (group !== null) throughBuckets(tensors, (flat) => group.broadcast(flat));
  }

  /** Returns when every process has come here. */
  barrier(): void {
    this.#group?.barrier().wait();
  }

  /** Leaves the others; call it on all processes after the last collective. */
  close(): void {
    this.#group?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @shape [length] */
function stateOn({ device }: ProcessGroup, state: Float64Array): Tensor {
  return fromArray(state, [state.length]).to({ device });
}

/** A copy, which outlives the tensor. */
const numbersOf = (tensor: Tensor): Float64Array => tensor.to({ device: "cpu" }).float64().slice();
