import { join } from "node:path";
import { isNumeric } from "../../config/events/value-kinds.ts";
import { AGE, hideUnknown } from "../../features/coding.ts";
import type { CategoryFeature, CodeColumns } from "../../features/spec.ts";
import { Vocabulary } from "../../features/vocabulary.ts";
import { historyGather_ } from "../../ops/history/generated.ts";
import { type DType, fromArray, fromFile, Scope, type Tensor } from "../../torch/index.ts";
import type { EventStore } from "../store/event-store.ts";
import { type ColumnType, TIME_FILES } from "../store/format.ts";
import type { StoreCoding } from "../store/store-coding.ts";
import { reusableInt32 } from "./batch-memory.ts";
import type { Histories } from "./histories.ts";
import { agesOf, type PointInTime } from "./point-in-time.ts";

/** Tensors have no unsigned types: the operator reads the bits of the signed ones as unsigned. */
const DTYPES: Readonly<Record<ColumnType, DType>> = {
  u8: "uint8",
  u16: "int16",
  u32: "int32",
  f32: "float32",
  f64: "float64",
};

const ALWAYS_KNOWN = Number.NEGATIVE_INFINITY;

/** The columns of a store as tensors over their mapped files, and how they are coded; one entry per feature but the age. */
interface MappedColumns {
  readonly columns: readonly Tensor[];
  /** Of each code the moment after which it has its row, and the row; empty of numbers. @shape each [V, 2] */
  readonly tables: readonly Tensor[];
  /** @unit ms */
  readonly delays: readonly number[];
  /** Of numbers, what the spec says; 1 of all else. */
  readonly scales: readonly number[];
  readonly gaps: Tensor;
}

/**
 * Histories by one operator, by as many threads as libtorch has: it reads the stored widths of mapped columns and writes
 * codes, nothing in between. Equal to `PlainHistories`, code by code.
 */
export class GatheredHistories implements Histories {
  readonly #coding: StoreCoding;
  readonly #features: readonly CategoryFeature[];
  readonly #columns: readonly CategoryFeature[];
  // Mapped at the first history: an empty file cannot be.
  #mapped: MappedColumns | null = null;

  constructor(coding: StoreCoding, features: readonly CategoryFeature[]) {
    this.#coding = coding;
    this.#features = features;
    this.#columns = features.filter(({ name }) => name !== AGE);
  }

  codes(points: readonly PointInTime[], offsets: Int32Array): CodeColumns {
    const length = offsets.at(-1) ?? 0;
    const codes = reusableInt32((this.#columns.length + 1) * length);
    if (length > 0) this.#gather(points, offsets, codes);
    const names = [...this.#columns.map(({ name }) => name), AGE];
    const column = (name: string): Int32Array => {
      const at = names.indexOf(name);
      return codes.subarray(at * length, (at + 1) * length);
    };
    for (const { name } of this.#columns) this.#hideLater(name, column(name), points, offsets);
    return Object.fromEntries(this.#features.map(({ name }) => [name, column(name)]));
  }

  /** Hides what was not known yet of an outcome with times of its own: the operator knows one delay for all events. */
  #hideLater(
    ...[name, codes, points, offsets]: readonly [string, Int32Array, readonly PointInTime[], Int32Array]
  ): void {
    const known = this.#coding.knownTimes(name);
    if (known === null) return;
    for (const [i, point] of points.entries()) {
      const segment = codes.subarray(offsets[i], offsets[i + 1]);
      hideUnknown(segment, agesOf(this.#coding.store, point), known.slice(point.start, point.end));
    }
  }

  #gather(points: readonly PointInTime[], offsets: Int32Array, codes: Int32Array): void {
    this.#mapped ??= mapColumns(this.#coding, this.#columns);
    const { columns, tables, delays, scales, gaps } = this.#mapped;
    using _ = new Scope();
    const ofPoints = (value: (point: PointInTime) => number): Tensor =>
      fromArray(Float64Array.from(points, value), [points.length]);
    const target = fromArray(codes, [columns.length + 1, offsets.at(-1) ?? 0], { share: true });
    historyGather_(target, columns, tables, delays, {
      gaps,
      unit: this.#coding.store.manifest.time.unitMs,
      starts: ofPoints(({ start }) => start),
      times: ofPoints(({ momentMs }) => momentMs),
      offsets: fromArray(offsets, [offsets.length]),
      scales,
    });
  }
}

function mapColumns(coding: StoreCoding, features: readonly CategoryFeature[]): MappedColumns {
  const { store } = coding;
  return {
    columns: features.map(({ name }) => mapFile(store, store.entry(name))),
    tables: features.map((feature) => tableOf(vocabularyOf(coding, feature))),
    delays: features.map(({ name }) => {
      return coding.knownTimes(name) === null ? (coding.delayMs(name) ?? ALWAYS_KNOWN) : ALWAYS_KNOWN;
    }),
    scales: features.map(({ scale = 1 }) => scale),
    gaps: mapFile(store, { file: TIME_FILES.deltas, type: store.manifest.time.deltaType }),
  };
}

function mapFile(store: EventStore, { file, type }: { readonly file: string; readonly type: ColumnType }): Tensor {
  return fromFile(join(store.folder, file), false, store.numEvents, { dtype: DTYPES[type] });
}

/** The vocabulary that codes what {@link StoreCoding.coder} codes; empty of a number, which needs none. */
function vocabularyOf({ store, vocabularies }: StoreCoding, { name, table, cardinality }: CategoryFeature): Vocabulary {
  if (isNumeric(store.entry(name).kind)) return Vocabulary.identity(0);
  return vocabularies.get(table) ?? Vocabulary.identity(cardinality);
}

function tableOf({ rows, admittedMs }: Vocabulary): Tensor {
  const entries = new Float64Array(2 * rows.length);
  for (const [code, row] of rows.entries()) entries.set([admittedMs[code]!, row], 2 * code);
  return fromArray(entries, [rows.length, 2]);
}
