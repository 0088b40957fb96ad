import type { DType } from "../torch/index.ts";
import type { GraphCall, GraphData } from "./generalize.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { ELEMENT_TYPES } from "./onnx.ts";
import { unsupported } from "./problems.ts";
import type { Size } from "./sizes.ts";

/** A tensor of the graph that is being written. */
export interface Operand {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Size[];
}

/** A call as its lowering reads it: arguments by name, the schema's defaults where they were left out. */
export class CallView {
  readonly graph: GraphBuilder;
  /** What the call gives; the names are not yet those of nodes. */
  readonly results: readonly Omit<Operand, "name">[];
  readonly #call: GraphCall;
  readonly #operandOf: (id: number) => Operand;

  constructor(
    call: GraphCall,
    from: { graph: GraphBuilder; results: CallView["results"]; operandOf: (id: number) => Operand },
  ) {
    this.#call = call;
    this.graph = from.graph;
    this.results = from.results;
    this.#operandOf = from.operandOf;
  }

  /** Type and sizes of the first result. */
  get result(): Omit<Operand, "name"> {
    return this.results[0] ?? this.refuse("a result", "none");
  }

  /** A tensor argument; null if it is none. */
  optional(name: string): Operand | null {
    const argument = this.#call.args[name];
    return argument?.kind === "tensor" ? this.#operandOf(argument.id) : null;
  }

  tensor(name: string): Operand {
    return this.optional(name) ?? this.refuse(`a tensor ${name}`, "none");
  }

  tensors(name: string): readonly Operand[] {
    const argument = this.#call.args[name];
    return argument?.kind === "tensors" ? argument.ids.map(this.#operandOf) : this.refuse(`tensors ${name}`, "none");
  }

  /** A size; null if it is left out. */
  size(name: string): Size | null {
    const value = this.#data(name);
    if (value === null || typeof value === "number") return value;
    return typeof value === "object" && "terms" in value ? value : this.refuse(`a size ${name}`, String(value));
  }

  /** A number that is the same in every batch. */
  number(name: string): number {
    const value = this.#data(name);
    if (typeof value === "boolean") return Number(value);
    return typeof value === "number" ? value : this.refuse(`the same number ${name} for every batch`, String(value));
  }

  flag(name: string): boolean {
    return this.#data(name) === true;
  }

  text(name: string): string {
    return String(this.#data(name));
  }

  sizes(name: string): readonly Size[] {
    const value = this.#data(name);
    return Array.isArray(value) ? (value as readonly Size[]) : this.refuse(`sizes ${name}`, String(value));
  }

  /** An axis, counted from the front. */
  axis(name: string, rank: number): number {
    const axis = this.number(name);
    return axis < 0 ? axis + rank : axis;
  }

  /** Axes, counted from the front; all of them if none is given. */
  axes(name: string, rank: number): readonly number[] {
    const value = this.#data(name);
    const numbers = typeof value === "number" ? [value] : Array.isArray(value) ? value.map(Number) : [];
    return numbers.length === 0
      ? Array.from({ length: rank }, (_, i) => i)
      : numbers.map((axis) => (axis < 0 ? axis + rank : axis));
  }

  /** A tensor as another type. */
  cast({ name, dtype }: Operand, to: DType): string {
    return dtype === to ? name : this.graph.node("Cast", [name], { to: ELEMENT_TYPES[to] });
  }

  refuse(expected: string, got: string): never {
    throw unsupported(this.#call.operator, { expected, got });
  }

  #data(name: string): Exclude<GraphData, undefined> {
    const argument = this.#call.args[name];
    if (argument?.kind === "data" && argument.value !== undefined) return argument.value;
    const text = this.#call.schema.arguments.find((formal) => formal.name === name)?.fallback ?? null;
    if (text === null || text === "None") return null;
    if (text === "True" || text === "False") return text === "True";
    if (text === "[]") return [];
    return Number.isNaN(Number(text)) ? text.replace(/^['"]|['"]$/g, "") : Number(text);
  }
}
