import { Tensor } from "../torch/index.ts";
import { EmbeddingTable } from "./embedding-table.ts";

/** How a layer computes, and how it keeps for backward what it computed. Its parameters are float32 either way. */
export interface PrecisionPolicy {
  /** Matrix products of bfloat16 numbers, added in float32. */
  readonly half: boolean;
  /** Activations are kept as float8 with one scale per 128 elements, a quarter of their size. */
  readonly float8: boolean;
}

/** Everything as it is. */
export const FULL_PRECISION: PrecisionPolicy = Object.freeze({ half: false, float8: false });

/** The field of a layer that says how it computes. */
const FIELD = "precision";

/**
 * The same model, its tensors the same objects, whose layers compute as `choose` says for the path of fields that leads
 * to each: `layers.0.interaction.norm`. Parts without such layers are the same objects too.
 *
 * @example
 * import { FULL_PRECISION, Initializer, Mlp, withPrecision } from "lapidary/nn";
 * import { RandomGenerator } from "lapidary/torch";
 *
 * const mlp = Mlp.init({ in: 8, hidden: [8], out: 1 }, new Initializer(RandomGenerator.seeded(1)));
 * const half = { half: true, float8: false };
 * const mixed = withPrecision(mlp, (path) => (path === "layers.0" ? half : FULL_PRECISION));
 * console.log(mixed.layers.map(({ precision }) => precision.half)); // [ true, false ]
 */
export function withPrecision<M extends object>(model: M, choose: (path: string) => PrecisionPolicy): M {
  const copies = new Map<object, unknown>();
  const visit = (value: unknown, path: readonly string[]): unknown => {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
    if (value instanceof Tensor || value instanceof EmbeddingTable) return value;
    const known = copies.get(value);
    if (known !== undefined) return known;
    const before = Object.entries(value);
    const after = before.map(([key, field]) => [
      key,
      key === FIELD ? choose(path.join(".")) : visit(field, [...path, key]),
    ]);
    const same = after.every(([, field], i) => field === before[i]?.[1]);
    const result = same ? value : rebuilt(value, after as [string, unknown][]);
    copies.set(value, result);
    return result;
  };
  return visit(model, []) as M;
}

function rebuilt(value: object, fields: readonly [string, unknown][]): object {
  if (Array.isArray(value)) return fields.map(([, field]) => field);
  return Object.assign(Object.create(Object.getPrototypeOf(value)), Object.fromEntries(fields));
}
