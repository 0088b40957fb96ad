import { noGrad, setGradient, Tensor, zeros } from "../../torch/index.ts";
import { EmbeddingTable } from "../embedding-table.ts";
import { Linear } from "../linear.ts";

/** A parameter and the path of fields that leads to it: `interaction.layers.0.weight`. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
  /** The linear map whose weight or bias it is. @default it is of none */
  readonly map?: Linear;
}

/** The weight of a table, and what its gradient flows to. */
export interface NamedTable extends NamedTensor {
  readonly leaf: Tensor;
}

/** The parameters of a model, found by walking its fields: dense ones, and the weights of its tables. */
export interface ModelParameters {
  readonly dense: readonly NamedTensor[];
  readonly tables: readonly NamedTable[];
}

/**
 * Finds every parameter in the fields of a model, in the order of declaration; a shared one under its first name.
 *
 * @example
 * import { Initializer, Mlp, parametersOf } from "lapidary/nn";
 * import { RandomGenerator } from "lapidary/torch";
 *
 * const mlp = Mlp.init({ in: 8, hidden: [4], out: 1 }, new Initializer(RandomGenerator.seeded(1)));
 * const { dense, tables } = parametersOf(mlp);
 * console.log(dense.map(({ name }) => name), tables.length);
 * // [ 'layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias' ] 0
 */
export function parametersOf(model: object): ModelParameters {
  const dense: NamedTensor[] = [];
  const tables: NamedTable[] = [];
  const visited = new Set<unknown>();
  const visit = (value: unknown, path: readonly string[], owner?: object): void => {
    if (typeof value !== "object" || value === null || visited.has(value)) return;
    visited.add(value);
    if (value instanceof Tensor) {
      dense.push(...trained(value, path.join("."), owner));
    } else if (value instanceof EmbeddingTable) {
      tables.push({ name: path.join("."), tensor: value.weight, leaf: value.leaf });
    } else if (!ArrayBuffer.isView(value)) {
      for (const [key, field] of Object.entries(value)) visit(field, [...path, key], value);
    }
  };
  visit(model, []);
  return { dense, tables };
}

/** The tensor as a parameter, if it is one. */
function trained(tensor: Tensor, name: string, owner: object | undefined): NamedTensor[] {
  if (!tensor.requiresGrad) return [];
  return [{ name, tensor, ...(owner instanceof Linear ? { map: owner } : {}) }];
}

/**
 * Number of elements in all tensors.
 *
 * @example
 * import { countElements, Initializer, Mlp, parametersOf } from "lapidary/nn";
 * import { RandomGenerator } from "lapidary/torch";
 *
 * const mlp = Mlp.init({ in: 8, hidden: [4], out: 1 }, new Initializer(RandomGenerator.seeded(1)));
 * console.log(countElements(parametersOf(mlp).dense)); // 41
 */
export function countElements(tensors: readonly NamedTensor[]): number {
  return tensors.reduce((sum, { tensor }) => sum + tensor.numel, 0);
}

/** Parameters [from, to) whose learning rates are multiplied by the same factor. */
export interface RateSpan {
  readonly from: number;
  readonly to: number;
  readonly factor: number;
}

/** As few spans as there can be. */
function spansOf(parts: readonly NamedTensor[]): readonly RateSpan[] {
  const spans: RateSpan[] = [];
  let from = 0;
  for (const { tensor, map } of parts) {
    const to = from + tensor.numel;
    const factor = map !== undefined && tensor === map.weight ? map.rateFactor : 1;
    const last = spans.at(-1);
    if (last?.factor === factor) spans[spans.length - 1] = { ...last, to };
    else spans.push({ from, to, factor });
    from = to;
  }
  return spans;
}

/**
 * All dense parameters in one memory, and all their gradients in another: the optimizer, the clipping and the
 * collectives then work on one tensor each, however many layers there are.
 *
 * @shape values, gradient [P]
 * @example
 * import { DenseParameters, Initializer, Linear, parametersOf } from "lapidary/nn";
 * import { ones, RandomGenerator } from "lapidary/torch";
 *
 * const layer = Linear.init({ in: 3, out: 1 }, new Initializer(RandomGenerator.seeded(1)));
 * const dense = DenseParameters.gather(parametersOf(layer).dense);
 * layer.apply(ones([1, 3])).sum().backward();
 * console.log(dense.values.shape, dense.gradient); // [ 4 ] Tensor float32 [4] = [1, 1, 1, 1]
 */
export class DenseParameters {
  readonly values: Tensor;
  readonly gradient: Tensor;
  /** All of them, by what their learning rates are multiplied by: for weights {@link Linear.rateFactor}, 1 for the others. */
  readonly spans: readonly RateSpan[];
  /** The parameters, now views of `values`. */
  readonly parts: readonly NamedTensor[];

  private constructor({ values, gradient, spans, parts }: Omit<DenseParameters, "clearGradient">) {
    this.values = values;
    this.gradient = gradient;
    this.spans = spans;
    this.parts = parts;
  }

  /** Moves the parameters into one memory; the tensors themselves stay the same objects. */
  static gather(parts: readonly NamedTensor[]): DenseParameters {
    const first = parts[0]?.tensor;
    const place = first === undefined ? {} : { dtype: first.dtype, device: first.device };
    const total = countElements(parts);
    const values = zeros([total], place);
    const gradient = zeros([total], place);
    let start = 0;
    noGrad(() => {
      for (const { tensor } of parts) {
        const end = start + tensor.numel;
        const room = values.slice(0, start, end).reshape(tensor.shape);
        room.copy_(tensor);
        tensor.set_(room);
        setGradient(tensor, gradient.slice(0, start, end).reshape(tensor.shape));
        start = end;
      }
    });
    return new DenseParameters({ values, gradient, spans: spansOf(parts), parts });
  }

  /** Sets all gradients to zero. */
  clearGradient(): void {
    this.gradient.zero_();
  }
}
