import type { Batch, CategoryFeature, EventColumns, FeatureSpec } from "../features/spec.ts";
import { JaggedTensor } from "../jagged/index.ts";
import { EmbeddingTable, type Initializer, Linear, type Lookup, Mlp, mapTables } from "../nn/index.ts";
import { cat, fromArray, stack, type Tensor } from "../torch/index.ts";
import { columnsOf, embedColumns, lookupOf, type Tables } from "./embed-columns.ts";

function allFeatures(spec: FeatureSpec): CategoryFeature[] {
  return [...spec.contextual, ...spec.candidate, ...spec.history];
}

/** One table per table name of the features, as long as the largest feature needs. */
export function initTables(features: readonly CategoryFeature[], dim: number, initial: Initializer): Tables {
  const rows = new Map<string, number>();
  for (const { table, cardinality } of features) rows.set(table, Math.max(rows.get(table) ?? 1, cardinality));
  const made = [...rows].map(([name, count]) => [name, EmbeddingTable.init({ rows: count, dim }, initial)] as const);
  return Object.fromEntries(made);
}

/** Moves a batch's plain array to where the model is. */
export function toDevice(array: Float32Array, shape: readonly number[], like: Tensor): Tensor {
  return fromArray(array, shape, { share: true }).to({ device: like.device, dtype: like.dtype });
}

/** What the embedding layer makes of the examples of a batch. */
export interface Embedded {
  /** One token per contextual and candidate feature, and one for the dense inputs. @shape [B, n, D] */
  readonly features: Tensor;
  /** The candidate, in the space of the history's events. @shape [B, D] */
  readonly candidate: Tensor;
  /** Embeddings of what candidates have in common with events. @shape F times [B, D] */
  readonly common: readonly Tensor[];
}

/** Where the attributes of past events are looked up. */
export interface EventLookups {
  /** Those that candidates have as well. @shape F features [L] */
  readonly events: Lookup;
  /** Those that only events have. @shape G features [L] */
  readonly told: Lookup;
  /** @shape [B+1] int64, from 0 to L */
  readonly offsets: Tensor;
}

/** Positions among the features, and among those of the history, of what both have: what shares a table. */
function commonFeatures({ contextual, candidate, history }: FeatureSpec): readonly (readonly [number, number])[] {
  const features = [...contextual, ...candidate];
  return features.flatMap(({ table }, f) => {
    const h = history.findIndex((other) => other.table === table);
    return h < 0 ? [] : [[f, h] as const];
  });
}

/** What only events have: what came of them, and when. */
function toldFeatures({ contextual, candidate, history }: FeatureSpec): readonly CategoryFeature[] {
  const others = new Set([...contextual, ...candidate].map(({ table }) => table));
  return history.filter(({ table }) => !others.has(table));
}

/**
 * Embedding layer: `e_f = table_f[code_f]` for every categorical feature, an MLP for the dense inputs, and for every
 * past event the linear compression of the concatenation of its attributes' embeddings.
 *
 * @see arXiv 2403.02545 §3.2; event model: engineering.fb.com, sequence learning, Nov 2024
 */
export class Embeddings {
  readonly tables: Tables;
  readonly numbers: Mlp;
  readonly event: Linear;
  readonly item: Linear;
  readonly spec: FeatureSpec;

  constructor(spec: FeatureSpec, parts: { tables: Tables; numbers: Mlp; event: Linear; item: Linear }) {
    this.spec = spec;
    this.tables = parts.tables;
    this.numbers = parts.numbers;
    this.event = parts.event;
    this.item = parts.item;
  }

  static init(spec: FeatureSpec, dim: number, initial: Initializer): Embeddings {
    return new Embeddings(spec, {
      tables: initTables(allFeatures(spec), dim, initial),
      numbers: Mlp.init({ in: spec.numbers.length, hidden: [2 * dim], out: dim }, initial),
      event: Linear.init({ in: spec.history.length * dim, out: dim }, initial),
      item: Linear.init({ in: spec.candidate.length * dim, out: dim }, initial),
    });
  }

  /** Number of attributes that candidate and events both have, F. */
  static numCommon(spec: FeatureSpec): number {
    return commonFeatures(spec).length;
  }

  /** Number of attributes that only events have, G. */
  static numTold(spec: FeatureSpec): number {
    return toldFeatures(spec).length;
  }

  /** Number of feature tokens, n. */
  static numTokens(spec: FeatureSpec): number {
    return spec.contextual.length + spec.candidate.length + 1;
  }

  apply(batch: Batch): Embedded {
    const { spec, tables } = this;
    const columns = [...columnsOf(spec.contextual, batch.contextual), ...columnsOf(spec.candidate, batch.candidate)];
    const tokens = embedColumns(tables, columns);
    const numbers = toDevice(batch.numbers, [batch.size, spec.numbers.length], this.event.weight);
    return {
      features: stack([...tokens, this.numbers.apply(numbers)], 1),
      candidate: this.item.apply(cat(tokens.slice(spec.contextual.length), 1)),
      common: commonFeatures(spec).map(([f]) => tokens[f] as Tensor),
    };
  }

  /** One token per past event. @shape values [L, D] */
  events({ codes, offsets }: EventColumns): JaggedTensor {
    const lookup = lookupOf(this.tables, columnsOf(this.spec.history, codes));
    return JaggedTensor.of(mapTables(lookup, this.event), offsets);
  }

  /** Where the embeddings of what events have in common with candidates, and of what only they have, are looked up. */
  compared({ codes, offsets }: EventColumns): EventLookups {
    const { history } = this.spec;
    const common = commonFeatures(this.spec).map(([, h]) => history[h] as CategoryFeature);
    return {
      events: lookupOf(this.tables, columnsOf(common, codes)),
      told: lookupOf(this.tables, columnsOf(toldFeatures(this.spec), codes)),
      offsets: fromArray(offsets, [offsets.length]).to({ dtype: "int64", device: this.event.weight.device }),
    };
  }
}
