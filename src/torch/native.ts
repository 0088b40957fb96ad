import { createRequire } from "node:module";
import { LapidaryError } from "../base/errors.ts";
import { firstLineOf } from "../base/message.ts";
import { BUILT_ADDON, findAddon, PACKAGE } from "./addon.ts";
import { torchError } from "./torch-error.ts";

/** A tensor in the native table of this thread; small integer, never 0. */
export type Handle = number;

/** A random generator in the native table. */
export interface GeneratorRef {
  readonly id: number;
}

/** What the addon exports: one function per entry point, no policy. Handles are only valid on their own thread. */
export interface Native {
  onError(makeError: (kind: string, where: string, message: string) => Error): void;
  operator(name: string, overload: string): number;
  schema(operator: number): string;
  call(operator: number, ...values: unknown[]): unknown;
  callDropped(operator: number, ...values: unknown[]): void;
  setRecorder(recorder: ((result: unknown, operator: number, ...values: unknown[]) => void) | null): void;
  fromArray(array: ArrayBufferView, dtype: number, shape: readonly number[], share: boolean): Handle;
  copyTo(tensor: Handle, array: ArrayBufferView): void;
  view(tensor: Handle): ArrayBuffer;
  shape(tensor: Handle): number[];
  dtype(tensor: Handle): number;
  device(tensor: Handle): string;
  isSparse(tensor: Handle): boolean;
  isContiguous(tensor: Handle): boolean;
  item(tensor: Handle): number;
  release(tensor: Handle): void;
  keep(tensor: Handle, depth: number): boolean;
  openScope(): number;
  closeScope(): void;
  liveTensors(): number;
  generator(seed: number, device: string): number;
  releaseGenerator(generator: number): void;
  generatorState(generator: number): Handle;
  setGeneratorState(generator: number, state: Handle): void;
  setThreads(threads: number): void;
  threads(): number;
  buildInfo(): BuildInfo;
  backward(tensor: Handle, gradient: Handle | null, retainGraph: boolean): void;
  grad(outputs: Handle[], inputs: Handle[], gradients: Handle[], createGraph: boolean): (Handle | null)[];
  gradOf(tensor: Handle): Handle | null;
  setGrad(tensor: Handle, gradient: Handle | null): void;
  requiresGrad(tensor: Handle): boolean;
  setRequiresGrad(tensor: Handle, requiresGrad: boolean): void;
  setGradEnabled(enabled: boolean): boolean;
  startFlops(): void;
  stopFlops(): number;
  startMemory(): void;
  liveMemory(): number;
  stopMemory(): number;
  lockFile(path: string): number;
  unlockFile(descriptor: number): void;
  // In the order of their C++ doc: rank, size, address, port, backend, timeoutMs, rendezvousTimeoutMs, serve, prefix.
  initGroup(...values: (number | string | boolean)[]): number;
  destroyGroup(group: number): void;
  allReduce(group: number, tensor: Handle, reduction: string): number;
  broadcast(group: number, tensor: Handle, root: number): number;
  allGather(group: number, output: Handle, input: Handle): number;
  allToAll(group: number, ...values: (Handle | readonly number[])[]): number;
  barrier(group: number): number;
  isDone(group: number, work: number): boolean;
  wait(group: number, work: number, timeoutMs: number): void;
}

/** What the loaded libtorch is and can do. */
export interface BuildInfo {
  readonly torch: string;
  /** Path of the BLAS that libtorch's matrix products run on; empty if it brings its own. */
  readonly blas: string;
  /** What our kernels run on: the best that the processor has and ATEN_CPU_CAPABILITY allows. */
  readonly instructionSet: "plain" | "avx2" | "avx512" | "avx512-bf16";
  readonly cuda: boolean;
  readonly gloo: boolean;
}

function load(): Native {
  // OpenMP and OpenBLAS have a pool of threads each; unless idle ones sleep, they take the cores from each other's.
  process.env["OMP_WAIT_POLICY"] ??= "PASSIVE";
  // Debian 13's libtorch brings UCX, which replaces the C library's brk() in the running process. Where V8 has reserved its
  // code right above the heap, brk() fails, UCX says that it did not, and malloc gives out memory that is not there.
  process.env["UCX_MEM_MMAP_HOOK_MODE"] ??= "none";
  try {
    const addon = createRequire(import.meta.url)(findAddon() ?? BUILT_ADDON) as Native;
    addon.onError(torchError);
    return addon;
  } catch (cause) {
    const got = firstLineOf(cause);
    throw new LapidaryError(
      {
        code: "TORCH_UNAVAILABLE",
        where: "native addon",
        expected: "native/build/lapidary.node and the libtorch it was built with",
        got,
        hint: `Run \`npm run setup --prefix ${PACKAGE}\`; \`lapidary doctor\` says what is missing.`,
      },
      { cause },
    );
  }
}

/** The addon, loaded once per thread. */
export const native: Native = load();
