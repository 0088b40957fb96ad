/** The cost of a trace, call by call: where its gradients flow, which parameter it belongs to, which memory backward needs. */
import type { NamedTensor } from "../../nn/index.ts";
import type { TensorId, Trace, TracedCall } from "../../torch/index.ts";
import { bytesOf, CallFacts } from "./call-facts.ts";
import { operatorCost, VIEW_OPERATORS } from "./operator-costs.ts";

/** What a part of a model costs on a whole batch. */
export interface PartCost {
  /** Operations of matrix products, of the forward pass and of backward. */
  readonly forwardFlops: number;
  readonly backwardFlops: number;
  /** What forward keeps for backward. @unit bytes */
  readonly activationBytes: number;
  /** Rows of tables that forward looks up, each as often as it does. @unit bytes */
  readonly gatheredBytes: number;
}

/** What costs nothing. */
export const NO_COST: PartCost = { forwardFlops: 0, backwardFlops: 0, activationBytes: 0, gatheredBytes: 0 };

/** Of calls that belong to no parameter. */
const INPUTS = "inputs";

/** The part that a parameter belongs to: the first field on its path, or within a layer the layer's. */
function partOf(name: string): string {
  const [first = INPUTS, index = "", field = first] = name.split(".");
  return first === "layers" && /^\d+$/.test(index) ? field : first;
}

/** Facts of the tensors of a trace, gathered while its calls are walked in order. */
class Flow {
  readonly needsGradient = new Set<TensorId>();
  readonly #parts = new Map<TensorId, string>();
  /** The tensor that the memory of a view belongs to. */
  readonly #owners = new Map<TensorId, TensorId>();
  readonly #madeAt = new Map<TensorId, number>();
  readonly #trace: Trace;

  constructor(trace: Trace, parameters: readonly NamedTensor[]) {
    this.#trace = trace;
    const names = new Map(parameters.map(({ name, tensor }) => [tensor.handle, name]));
    for (const [id, { origin }] of trace.tensors.entries()) {
      const name = origin.kind === "outside" ? names.get(origin.handle) : undefined;
      if (name === undefined) continue;
      this.needsGradient.add(id);
      this.#parts.set(id, partOf(name));
    }
  }

  /** Takes note of what a call made. → the part that it belongs to, and whether a gradient goes through it */
  add(call: TracedCall, place: number): { readonly part: string; readonly isTrained: boolean } {
    const inputs = inputsOf(call);
    const part = this.#partOf(call);
    const isTrained = call.operator !== "aten::detach" && inputs.some((id) => this.needsGradient.has(id));
    for (const id of call.results) {
      if (part !== INPUTS) this.#parts.set(id, part);
      this.#madeAt.set(id, place);
      if (isTrained) this.needsGradient.add(id);
    }
    this.#own(call);
    return { part, isTrained };
  }

  /** The tensor whose memory this one looks at; null if that was there before the trace. */
  memoryOf(id: TensorId): TensorId | null {
    const owner = this.#owners.get(id) ?? id;
    return this.#trace.tensors[owner]?.origin.kind === "call" ? owner : null;
  }

  /**
   * That of the call's own parameter; without one, of the input that was made last among those of a part. Lists, such as
   * the tables that a call reads, decide only where nothing else does.
   */
  #partOf({ args }: TracedCall): string {
    const place = (id: TensorId): number => this.#madeAt.get(id) ?? Number.POSITIVE_INFINITY;
    const last = (ids: readonly TensorId[]): TensorId | undefined =>
      ids.filter((id) => this.#parts.has(id)).toSorted((a, b) => place(b) - place(a))[0];
    const single = Object.values(args).flatMap((argument) => (argument.kind === "tensor" ? [argument.id] : []));
    const listed = Object.values(args).flatMap((argument) => (argument.kind === "tensors" ? argument.ids : []));
    return this.#parts.get(last(single) ?? last(listed) ?? -1) ?? INPUTS;
  }

  #own({ operator, results: [result], args }: TracedCall): void {
    const input = args["self"];
    if (result === undefined || input?.kind !== "tensor" || !(VIEW_OPERATORS as readonly string[]).includes(operator))
      return;
    // Rows that do not lie together are copied by a reshape, unless its result does not lie together either.
    const { tensors } = this.#trace;
    const isReshape = operator === "aten::reshape" || operator === "aten::flatten.using_ints";
    const isCopied = isReshape && !tensors[input.id]?.isContiguous && tensors[result]?.isContiguous;
    if (!isCopied) this.#owners.set(result, this.#owners.get(input.id) ?? input.id);
  }
}

function inputsOf({ args }: TracedCall): TensorId[] {
  return Object.values(args).flatMap((argument) => {
    if (argument.kind === "tensor") return [argument.id];
    return argument.kind === "tensors" ? argument.ids : [];
  });
}

/** The part of the model that each call of a trace belongs to, in order. */
export function partsOfCalls(trace: Trace, parameters: readonly NamedTensor[]): readonly string[] {
  const flow = new Flow(trace, parameters);
  return trace.calls.map((call, place) => flow.add(call, place).part);
}

/** What the traced pass costs by part of the model: backward and what it keeps as they would be with a gradient. */
export function traceCost(trace: Trace, parameters: readonly NamedTensor[]): ReadonlyMap<string, PartCost> {
  const flow = new Flow(trace, parameters);
  const parts = new Map<string, PartCost>();
  const kept = new Set<TensorId>();
  const firstKept = (id: TensorId): number => {
    const memory = flow.memoryOf(id);
    if (memory === null || kept.has(memory)) return 0;
    kept.add(memory);
    return bytesOf(trace.tensors[memory] ?? { dtype: "float32", shape: [] });
  };
  for (const [place, call] of trace.calls.entries()) {
    const { part, isTrained } = flow.add(call, place);
    const cost = operatorCost(new CallFacts(trace, call, flow.needsGradient), isTrained);
    const before = parts.get(part) ?? NO_COST;
    parts.set(part, {
      forwardFlops: before.forwardFlops + cost.forward,
      backwardFlops: before.backwardFlops + cost.backward,
      activationBytes: before.activationBytes + cost.keptBytes + cost.kept.reduce((sum, id) => sum + firstKept(id), 0),
      gatheredBytes: before.gatheredBytes + cost.gatheredBytes,
    });
  }
  return parts;
}
