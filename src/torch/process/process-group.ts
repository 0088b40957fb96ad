import { LapidaryError } from "../../base/errors.ts";
import { noGrad } from "../autograd.ts";
import { type Tensor, zeros } from "../generated/tensor.ts";
import { native } from "../native.ts";
import { Scope } from "../scope.ts";
import { fromArray } from "../tensor/from-array.ts";
import { torchError } from "../torch-error.ts";
import { type ProcessEnvironment, readProcessEnvironment, type Variables } from "./process-environment.ts";
import { Work } from "./work.ts";

/** How equal elements of the processes' tensors become one. */
export type Reduction = "sum" | "max" | "min" | "average";

/** Options of connecting. */
export interface GroupOptions {
  /** `gloo` for tensors in memory; `nccl`, where libtorch has it, for those on CUDA devices. @default "gloo" */
  readonly backend?: "gloo" | "nccl";
  /** How long a collective may take before it fails. @unit ms @default 30000 */
  readonly timeoutMs?: number;
  /** How long to wait for the other processes to start. @unit ms @default 300000 */
  readonly rendezvousTimeoutMs?: number;
}

/** Tensors of all processes, one after the other along the first axis. */
export interface Gathered {
  /** @shape [Σ lengths, ...] */
  readonly tensor: Tensor;
  /** Length of each process's part. @shape [n] */
  readonly lengths: readonly number[];
}

type Facts = Pick<ProcessGroup, "id" | "rank" | "size" | "timeoutMs" | "device">;

/**
 * Processes that compute together. All of them start the same collectives, in the same order, with the same dtypes and
 * shapes: Gloo ends a process that is sent more than it expects. Each collective starts at once and gives a {@link Work},
 * which must be waited for. A process that dies or stops makes the others' collectives fail, and ends the group; they
 * may connect again, as those that are left. `n` is the group's size.
 *
 * @example
 * import { ProcessGroup, tensor } from "lapidary/torch";
 *
 * // Each process of a job runs these lines; torchrun and Slurm set MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE.
 * using group = ProcessGroup.fromEnvironment();
 * const gradient = tensor([1, 2]);
 * group.allReduce(gradient, "average").wait();
 * console.log(group.size, gradient); // 1 Tensor float32 [2] = [1, 2]
 */
export class ProcessGroup implements Disposable {
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** @unit ms */
  readonly timeoutMs: number;
  /** Where the tensors of its collectives must be: `cpu`, or this process's CUDA device. */
  readonly device: string;
  /** Index of the native group. @internal */
  readonly id: number;
  #failure: LapidaryError | null = null;
  #collectives = 0;

  private constructor({ id, rank, size, timeoutMs, device }: Facts) {
    this.id = id;
    this.rank = rank;
    this.size = size;
    this.timeoutMs = timeoutMs;
    this.device = device;
  }

  /**
   * Meets the other processes and connects to them; blocks this thread, within both timeouts. Processes may have several
   * groups, one after the other or at once: the n-th of one meets the n-th of the others.
   *
   * @throws {LapidaryError} COLLECTIVE_FAILED if a process does not come, or the store's port is taken
   */
  static connect(place: ProcessEnvironment, options: GroupOptions = {}): ProcessGroup {
    const { backend = "gloo", timeoutMs = 30_000, rendezvousTimeoutMs = 300_000 } = options;
    for (const ms of [timeoutMs, rendezvousTimeoutMs]) {
      if (!(Number.isInteger(ms) && ms > 0)) throw torchError("argument", "ProcessGroup", `a timeout of ${ms} ms`);
    }
    const { rank, size, address, port, serve, prefix } = place;
    try {
      const id = native.initGroup(
        ...[rank, size, address, port],
        ...[backend, timeoutMs, rendezvousTimeoutMs, serve, prefix],
      );
      const device = backend === "nccl" ? `cuda:${place.localRank}` : "cpu";
      return new ProcessGroup({ id, rank, size, timeoutMs, device });
    } catch (cause) {
      throw collectiveError(`connecting rank ${rank} of ${size}`, cause);
    }
  }

  /**
   * Connects as the environment says: `MASTER_ADDR`, `MASTER_PORT`, `RANK`, `WORLD_SIZE`.
   *
   * @throws {LapidaryError} DISTRIBUTED_ENVIRONMENT if it does not say; COLLECTIVE_FAILED if a process does not come
   */
  static fromEnvironment(options: GroupOptions = {}, variables: Variables = process.env): ProcessGroup {
    return ProcessGroup.connect(readProcessEnvironment(variables), options);
  }

  /** Collectives started so far. */
  get collectives(): number {
    return this.#collectives;
  }

  /** What ended the group, if something did. */
  get failure(): LapidaryError | null {
    return this.#failure;
  }

  /**
   * Replaces the tensor, on all processes, by the reduction over all: `x = reduce_r x_r`. In place.
   *
   * @throws {LapidaryError} TORCH_ARGUMENT for the average of integers
   */
  allReduce(tensor: Tensor, reduction: Reduction = "sum"): Work<Tensor> {
    checkAverage(tensor, reduction);
    const op = reduction === "average" ? "sum" : reduction;
    return this.#start("allReduce", {
      begin: () => native.allReduce(this.id, tensor.handle, op),
      finish: () => (reduction === "average" ? noGrad(() => tensor.mul_(1 / this.size)) : tensor),
    });
  }

  /**
   * Rank r's part of the reduction: `y_r = reduce_s x_s[r k … (r + 1) k]`. Done as an all-to-all and a reduction here,
   * because Gloo has none of its own, and an all-reduce would move twice the bytes.
   *
   * @shape tensor [n k, ...] → [k, ...]
   * @throws {LapidaryError} TORCH_ARGUMENT if n does not divide the first axis, or for the average of integers
   */
  reduceScatter(tensor: Tensor, reduction: Reduction = "sum"): Work<Tensor> {
    checkAverage(tensor, reduction);
    const [rows = 0, ...rest] = tensor.shape;
    const part = rows / this.size;
    if (!Number.isInteger(part) || tensor.ndim === 0) {
      throw torchError("argument", "reduceScatter", `a first axis of ${rows} for ${this.size} processes`);
    }
    const splits = new Array<number>(this.size).fill(part);
    const received = zeros([rows, ...rest], { dtype: tensor.dtype, device: tensor.device });
    return this.#start("reduceScatter", {
      begin: () => native.allToAll(this.id, received.handle, tensor.handle, splits, splits),
      finish: () => reduceFirst(received.reshape([this.size, part, ...rest]), reduction),
    });
  }

  /** The tensors of all processes, stacked in rank order; all have the same shape. @shape tensor [...] → [n, ...] */
  allGather(tensor: Tensor): Work<Tensor> {
    const output = zeros([this.size, ...tensor.shape], { dtype: tensor.dtype, device: tensor.device });
    return this.#start("allGather", {
      // Gloo divides by the size of what is gathered; where there is nothing, a barrier keeps the order of collectives.
      begin: () =>
        output.numel === 0 ? native.barrier(this.id) : native.allGather(this.id, output.handle, tensor.handle),
      finish: () => output,
    });
  }

  /**
   * The tensors of all processes, one after the other in rank order; their first axes may differ. Nothing is padded: each
   * process sends its rows to each other one directly, of n copies.
   *
   * @param known the lengths, where an earlier gathering told them; @default exchanges them first, and blocks for that
   * @shape tensor [k_r, ...] → [Σ k_r, ...]
   * @throws {LapidaryError} TORCH_ARGUMENT for a tensor without axes, or of another length than is known
   */
  allGatherUneven(tensor: Tensor, known?: readonly number[]): Work<Gathered> {
    const [rows, ...rest] = tensor.shape;
    if (rows === undefined || (known !== undefined && known[this.rank] !== rows)) {
      throw torchError("argument", "allGatherUneven", `a tensor of shape [${tensor.shape}], lengths [${known ?? ""}]`);
    }
    const lengths = known ?? this.#lengths(rows);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const output = zeros([total, ...rest], { dtype: tensor.dtype, device: tensor.device });
    using _ = new Scope();
    const copies = tensor
      .unsqueeze(0)
      .expand([this.size, rows, ...rest])
      .reshape([this.size * rows, ...rest]);
    const splits = new Array<number>(this.size).fill(rows);
    return this.#start("allGatherUneven", {
      begin: () => native.allToAll(this.id, output.handle, copies.contiguous().handle, lengths, splits),
      finish: () => ({ tensor: output, lengths }),
    });
  }

  /**
   * Sends rank s the s-th part of the rows and receives one part from each, in rank order. What rank r sends to s is
   * what s expects of r.
   *
   * @shape input [Σ inputSplits, ...] → [Σ outputSplits, ...]; both splits [n]
   * @throws {LapidaryError} TORCH_ARGUMENT if the splits are not one for each process, or do not fill the input
   */
  allToAll(input: Tensor, inputSplits: readonly number[], outputSplits: readonly number[]): Work<Tensor> {
    const [rows, ...rest] = input.shape;
    if (this.#rowsIn(inputSplits) !== rows) {
      throw torchError("argument", "allToAll", `splits [${inputSplits}] of ${rows} rows`);
    }
    const output = zeros([this.#rowsIn(outputSplits), ...rest], { dtype: input.dtype, device: input.device });
    return this.#start("allToAll", {
      begin: () => native.allToAll(this.id, output.handle, input.handle, outputSplits, inputSplits),
      finish: () => output,
    });
  }

  /** Replaces the tensor, on all processes, by that of the root. In place. @default root is rank 0 */
  broadcast(tensor: Tensor, root = 0): Work<Tensor> {
    if (!(root >= 0 && root < this.size)) throw torchError("argument", "broadcast", `root ${root} of ${this.size}`);
    return this.#start("broadcast", {
      begin: () => native.broadcast(this.id, tensor.handle, root),
      finish: () => tensor,
    });
  }

  /** Done when every process has come here. */
  barrier(): Work<void> {
    return this.#start("barrier", { begin: () => native.barrier(this.id), finish: () => undefined });
  }

  /** Ends the connections; what is still under way fails, here and on the other processes. */
  close(): void {
    this.#failure ??= torchError("collective", `rank ${this.rank} of ${this.size}`, "a closed process group");
    native.destroyGroup(this.id);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The typed error for what a collective threw. @internal */
  fail(collective: string, cause: unknown): unknown {
    const error = collectiveError(`${collective} on rank ${this.rank} of ${this.size}`, cause);
    if (!isCollective(error)) return error;
    this.#failure ??= error;
    // At once, so that the peers that wait for this process fail too, not only those that wait for the dead one.
    native.destroyGroup(this.id);
    return error;
  }

  #start<T>(collective: string, { begin, finish }: { begin: () => number; finish: () => T }): Work<T> {
    if (this.#failure !== null) throw this.#failure;
    try {
      const id = begin();
      this.#collectives++;
      return new Work(this, { id, collective, finish });
    } catch (cause) {
      throw this.fail(collective, cause);
    }
  }

  #rowsIn(splits: readonly number[]): number {
    if (splits.length !== this.size || splits.some((rows) => !(Number.isInteger(rows) && rows >= 0))) {
      throw torchError("argument", "allToAll", `splits [${splits}] for ${this.size} processes`);
    }
    return splits.reduce((sum, rows) => sum + rows, 0);
  }

  #lengths(rows: number): number[] {
    using _ = new Scope();
    return this.allGather(fromArray(BigInt64Array.of(BigInt(rows)), [1]).to({ device: this.device }))
      .wait()
      .to({ device: "cpu" })
      .toNumbers();
  }
}

const isCollective = (error: unknown): error is LapidaryError =>
  error instanceof LapidaryError && error.code === "COLLECTIVE_FAILED";

/** Says of a failed collective where it failed; other errors stay as they are. */
function collectiveError(where: string, cause: unknown): unknown {
  return isCollective(cause) ? torchError("collective", where, cause.got) : cause;
}

/** Before anything is under way, since a reduction that all processes have done cannot be undone. */
function checkAverage(tensor: Tensor, reduction: Reduction): void {
  if (reduction !== "average" || tensor.dtype.includes("float")) return;
  throw torchError("argument", "average", `a tensor of ${tensor.dtype}`);
}

/** @shape parts [n, ...] → [...] */
function reduceFirst(parts: Tensor, reduction: Reduction): Tensor {
  if (reduction === "max") return parts.amax([0]);
  if (reduction === "min") return parts.amin([0]);
  // Without the dtype, integers would become int64.
  const sum = parts.sum([0], false, { dtype: parts.dtype });
  return reduction === "sum" ? sum : sum.mul(1 / parts.shape[0]!);
}
