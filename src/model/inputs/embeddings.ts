import { contentOf } from "../../features/content.ts";
import type { Batch, CategoryFeature, EventColumns, FeatureSpec } from "../../features/spec.ts";
import { dropout, EmbeddingTable, type Initializer, Linear, Mlp } from "../../nn/index.ts";
import { JaggedTensor, type Lookup, mapTables } from "../../ops/index.ts";
import { cat, fromArray, stack, type Tensor } from "../../torch/index.ts";
import { contentFields, initVectorMaps, numContent, toDevice, type VectorMaps } from "./content-maps.ts";
import { columnsOf, embedColumns, lookupOf, type Tables } from "./embed-columns.ts";
import { orderedOutcomes, outcomeValues } from "./outcome-values.ts";
import { initPast, pastToken } from "./past.ts";

function allFeatures(spec: FeatureSpec): CategoryFeature[] {
  return [...spec.contextual, ...spec.candidate, ...contentOf(spec).lists, ...spec.history];
}

/** One table per table name of the features, as long as the largest feature needs. */
export function initTables(features: readonly CategoryFeature[], dim: number, initial: Initializer): Tables {
  const rows = new Map<string, number>();
  for (const { table, cardinality } of features) rows.set(table, Math.max(rows.get(table) ?? 1, cardinality));
  const tables = [...rows].map(([name, count]) => [name, EmbeddingTable.init({ rows: count, dim }, initial)] as const);
  return Object.fromEntries(tables);
}

/** What the embedding layer makes of the examples of a batch. */
export interface Embedded {
  /** One token per contextual and candidate feature, list and vector, one for the dense inputs, one for past embeddings. @shape [B, n, D] */
  readonly features: Tensor;
  /** The candidate, in the space of the history's events. @shape [B, D] */
  readonly candidate: Tensor;
  /** Embeddings of what candidates have in common with events. @shape F times [B, D] */
  readonly common: readonly Tensor[];
  /** The dense inputs as the batch has them. @shape [B, N] */
  readonly numbers: Tensor;
}

/** Where the attributes of past events are looked up. */
export interface EventLookups {
  /** Those that candidates have as well. @shape F features [L] */
  readonly events: Lookup;
  /** Those that only events have. @shape G features [L] */
  readonly eventOnly: Lookup;
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
function eventOnlyFeatures({ contextual, candidate, history }: FeatureSpec): readonly CategoryFeature[] {
  const others = new Set([...contextual, ...candidate].map(({ table }) => table));
  return history.filter(({ table }) => !others.has(table));
}

interface EmbeddingsParts {
  readonly tables: Tables;
  readonly numbers: Mlp;
  readonly event: Linear;
  readonly item: Linear;
  readonly vectors: VectorMaps;
  readonly eventContent: Linear | null;
  readonly past: Linear | null;
}

/** The part of a linear compression of events that is of their lists and vectors; null if they have none. */
export function initEventContent(spec: FeatureSpec, dim: number, initial: Initializer): Linear | null {
  const fields = numContent(spec);
  return fields === 0 ? null : Linear.init({ in: fields * dim, out: dim, bias: false }, initial);
}

/** What past events are compressed with. */
type EventParts = Pick<Embeddings, "spec" | "tables" | "event" | "vectors" | "eventContent">;

/** `W_e [e_1 ∥ … ∥ e_F] + b_e + W_c [lists ∥ vectors]`, one token per past event. @shape → [L, D] */
export function eventTokens(parts: EventParts, { codes, content, offsets }: EventColumns): Tensor {
  const { spec, tables, event, eventContent } = parts;
  const tokens = mapTables(lookupOf(tables, columnsOf(spec.history, codes)), event);
  const all = eventContent === null ? tokens : tokens.add(eventContent.apply(cat(contentFields(parts, content), 1)));
  return dropout(all, "embedding", offsets);
}

/**
 * Embedding layer: `e_f = table_f[code_f]` for every categorical feature, the mean of its rows for every list, a linear map
 * for every vector, an MLP for the dense inputs, a linear map of the past embeddings where the spec has them, and for every past event the linear compression of the concatenation of
 * its attributes' embeddings, lists and vectors.
 *
 * @see arXiv 2403.02545 §3.2; event model: engineering.fb.com, sequence learning, Nov 2024
 */
export class Embeddings {
  readonly tables: Tables;
  readonly numbers: Mlp;
  readonly event: Linear;
  readonly item: Linear;
  readonly vectors: VectorMaps;
  /** The columns of the compression for lists and vectors; null without any. @shape [D, content · D] */
  readonly eventContent: Linear | null;
  /** Null without past embeddings. */
  readonly past: Linear | null;
  readonly spec: FeatureSpec;

  constructor(spec: FeatureSpec, parts: EmbeddingsParts) {
    this.spec = spec;
    this.tables = parts.tables;
    this.numbers = parts.numbers;
    this.event = parts.event;
    this.item = parts.item;
    this.vectors = parts.vectors;
    this.eventContent = parts.eventContent;
    this.past = parts.past;
  }

  static init(spec: FeatureSpec, dim: number, initial: Initializer): Embeddings {
    return new Embeddings(spec, {
      tables: initTables(allFeatures(spec), dim, initial),
      numbers: Mlp.init({ in: spec.numbers.length, hidden: [2 * dim], out: dim }, initial),
      event: Linear.init({ in: spec.history.length * dim, out: dim }, initial),
      item: Linear.init({ in: (spec.candidate.length + numContent(spec)) * dim, out: dim }, initial),
      vectors: initVectorMaps(spec, dim, initial),
      eventContent: initEventContent(spec, dim, initial),
      past: initPast(spec, dim, initial),
    });
  }

  /** Number of attributes that candidate and events both have, F. */
  static numCommon(spec: FeatureSpec): number {
    return commonFeatures(spec).length;
  }

  /** Number of attributes that only events have, G. */
  static numEventOnly(spec: FeatureSpec): number {
    return eventOnlyFeatures(spec).length;
  }

  /** Number of feature tokens, n. */
  static numTokens(spec: FeatureSpec): number {
    const past = (spec.pastEmbeddings ?? 0) > 0 ? 1 : 0;
    return spec.contextual.length + spec.candidate.length + numContent(spec) + 1 + past;
  }

  /** Number of feature tokens that it makes, n. */
  get tokens(): number {
    return Embeddings.numTokens(this.spec);
  }

  /** Width of each token, D. */
  get dim(): number {
    return this.event.out;
  }

  apply(batch: Batch): Embedded {
    const { spec, tables } = this;
    const columns = [...columnsOf(spec.contextual, batch.contextual), ...columnsOf(spec.candidate, batch.candidate)];
    const tokens = [...embedColumns(tables, columns), ...contentFields(this, batch.content)];
    const numbers = toDevice(batch.numbers, [batch.size, spec.numbers.length], this.event.weight);
    return {
      features: dropout(
        stack([...tokens, this.numbers.apply(numbers), ...pastToken(this.past, batch)], 1),
        "embedding",
      ),
      candidate: this.item.apply(cat(tokens.slice(spec.contextual.length), 1)),
      common: commonFeatures(spec).map(([f]) => tokens[f] as Tensor),
      numbers,
    };
  }

  /** One token per past event. @shape values [L, D] */
  events(history: EventColumns): JaggedTensor {
    return JaggedTensor.of(eventTokens(this, history), history.offsets);
  }

  /** What came of past events, in plain numbers. @shape → [L, K] */
  outcomes(events: EventColumns): Tensor {
    const rows = events.offsets.at(-1) ?? 0;
    const outcomes = orderedOutcomes(this.spec);
    return toDevice(outcomeValues(outcomes, events.codes, rows), [rows, outcomes.length], this.event.weight);
  }

  /** Where the embeddings of what events have in common with candidates, and of what only they have, are looked up. */
  compared({ codes, offsets }: EventColumns): EventLookups {
    const { history } = this.spec;
    const common = commonFeatures(this.spec).map(([, h]) => history[h] as CategoryFeature);
    return {
      events: lookupOf(this.tables, columnsOf(common, codes)),
      eventOnly: lookupOf(this.tables, columnsOf(eventOnlyFeatures(this.spec), codes)),
      offsets: fromArray(offsets, [offsets.length]).to({ dtype: "int64", device: this.event.weight.device }),
    };
  }
}
