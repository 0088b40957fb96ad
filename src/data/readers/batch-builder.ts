import { LapidaryError } from "../../base/errors.ts";
import { OUTCOME_KINDS } from "../../config/events/objective-kinds.ts";
import { counterInput, denseInput, HISTORY_LENGTH, isComputed, TIME_CODES } from "../../features/coding.ts";
import { contentOf, isEmptyContent } from "../../features/content.ts";
import { objectivesOf } from "../../features/objectives.ts";
import { outcomeOfKnown, type ValueKind } from "../../features/schema.ts";
import type { Batch, CategoryFeature, CodeColumns, ExampleGroups, FeatureSpec } from "../../features/spec.ts";
import { CounterReader } from "../counters/counter-reader.ts";
import { labelReader } from "../examples/labels.ts";
import { type Histories, type OpenHistories, PlainHistories } from "../histories/histories.ts";
import { isLabelKnown, type PointInTime, pointInTime } from "../histories/point-in-time.ts";
import type { Candidate } from "../negatives/negative-sampler.ts";
import type { EventStore } from "../store/event-store.ts";
import { type AdmissionTimes, StoreCoding } from "../store/store-coding.ts";
import { ContentReader, type Span } from "./content-reader.ts";
import type { ExampleFacts } from "./example-facts.ts";

/** What a batch holds and what may be known in it. */
export interface BatchOptions {
  readonly spec: FeatureSpec;
  /** Newest past events per example. */
  readonly historyLength: number;
  /** Labels that become known after this are masked. @unit ms since 1970, UTC */
  readonly horizonMs: number;
  /** Moment after which each code has a row of its own, by table; tables without an entry are read as they are. */
  readonly admittedMs: AdmissionTimes;
}

/** Row of an example that is not in the store. */
const NO_ROW = -1;

/**
 * Builds batches of examples: the one place where events become a model's inputs.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { BatchBuilder, EventStore } from "lapidary/data";
 * import { openRun } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const { spec } = openRun(project, "foundation", { store }).inputs; // what a batch has in it
 * const options = { spec, historyLength: 8, horizonMs: Number.POSITIVE_INFINITY, admittedMs: {} };
 * const batch = new BatchBuilder(store, options).build(Float64Array.of(5, 90)); // the events of rows 5 and 90
 * console.log(batch.size, batch.labels.length, spec.objectives); // 2 4 [ 'click', 'conversion' ]
 */
export class BatchBuilder {
  readonly #store: EventStore;
  readonly #options: BatchOptions;
  readonly #coding: StoreCoding;
  readonly #histories: Histories;
  /** Null where the spec has no content. */
  readonly #content: ContentReader | null;
  readonly #counters: CounterReader;

  /**
   * Histories are cut the plain way unless another is given.
   *
   * @throws {LapidaryError} STORE_COLUMN for a feature that the store lacks, INTERNAL for one that would leak, COUNTER_KEYS
   */
  constructor(store: EventStore, options: BatchOptions, HistoriesOf: OpenHistories = PlainHistories) {
    this.#store = store;
    this.#options = options;
    this.#coding = new StoreCoding(store, options.admittedMs);
    this.#check();
    const content = contentOf(options.spec);
    this.#content = isEmptyContent(content) ? null : new ContentReader(this.#coding, content);
    this.#counters = new CounterReader(store, options.spec);
    this.#histories = new HistoriesOf(this.#coding, options.spec.history);
  }

  /** The batch of the examples in `rows` of the store, in their order. */
  build(rows: Float64Array): Batch {
    const points = Array.from(rows, (row) => pointInTime(this.#store, row, this.#options.historyLength));
    return { rows, ...this.#inputs(points, this.#store), ...this.#labels(points) };
  }

  /**
   * The batch of the examples in `rows`, then of candidates beside them, whose labels are not known: each has the context
   * and the history of its example, and what the item was in an event before it.
   */
  buildBeside(rows: Float64Array, candidates: readonly Candidate[]): Batch {
    const points = Array.from(rows, (row) => pointInTime(this.#store, row, this.#options.historyLength));
    const all = [...points, ...candidates.map(({ at }) => points[at]!)];
    const shown = [...rows, ...candidates.map((candidate) => candidate.shown)];
    // The surface is the one column that tells of the request, not of the item.
    const rowOf = (name: string, b: number): number => (name === "surface" ? all[b]!.row : shown[b]!);
    const facts = factsOfRows(this.#store, rowOf);
    const { labels, labelMask } = this.#labels(points);
    const numLabels = all.length * this.#options.spec.objectives.length;
    return {
      ...this.#inputs(
        all.map((point, b) => ({ ...point, row: b })),
        facts,
      ),
      rows: Float64Array.from([...rows, ...candidates.map(({ id }) => id)]),
      labels: padded(labels, numLabels),
      labelMask: padded(labelMask, numLabels),
    };
  }

  /** The batch of examples that are not in the store, in their order: without labels, of no row. */
  buildGiven(points: readonly PointInTime[], facts: ExampleFacts): Batch {
    const unknown = (): Float32Array => new Float32Array(points.length * this.#options.spec.objectives.length);
    const rows = new Float64Array(points.length).fill(NO_ROW);
    return { rows, ...this.#inputs(points, facts), labels: unknown(), labelMask: unknown() };
  }

  #inputs(points: readonly PointInTime[], facts: ExampleFacts): Omit<Batch, "rows" | "labels" | "labelMask"> {
    const { spec } = this.#options;
    const offsets = new Int32Array(points.length + 1);
    for (const [i, { start, end }] of points.entries()) offsets[i + 1] = offsets[i]! + end - start;
    return {
      size: points.length,
      times: Float64Array.from(points, ({ timeMs }) => timeMs),
      groups: groupsOf(points, facts),
      contextual: columnsOf(spec.contextual, (feature) => this.#ownCodes(feature, points, facts)),
      candidate: columnsOf(spec.candidate, (feature) => this.#ownCodes(feature, points, facts)),
      numbers: this.#numbers(points, facts),
      ...this.#contentOf(points.map(ownSpan), facts),
      history: { offsets, codes: this.#histories.codes(points, offsets), ...this.#contentOf(points, this.#store) },
    };
  }

  #contentOf(spans: readonly Span[], facts: ExampleFacts): Pick<Batch, "content"> {
    return this.#content === null ? {} : { content: this.#content.read(spans, facts) };
  }

  #ownCodes(feature: CategoryFeature, points: readonly PointInTime[], facts: ExampleFacts): Int32Array {
    const codes = new Int32Array(points.length);
    const values = ownValues(feature.name, facts);
    const code = this.#coding.coder(feature);
    for (const [i, point] of points.entries()) codes[i] = code(values(point), point.momentMs);
    return codes;
  }

  #numbers(points: readonly PointInTime[], facts: ExampleFacts): Float32Array {
    const { numbers } = this.#options.spec;
    const values = new Float32Array(points.length * numbers.length);
    this.#counters.read(points, facts, (i, j, value) => {
      values[i * numbers.length + j] = counterInput(value, numbers[j]!);
    });
    for (const [j, feature] of numbers.entries()) {
      if (feature.counter !== undefined) continue;
      const column = feature.name === HISTORY_LENGTH ? null : facts.column(feature.name);
      for (const [i, { row, numPast }] of points.entries()) {
        values[i * numbers.length + j] = denseInput(column === null ? numPast : column.at(row), feature);
      }
    }
    return values;
  }

  #labels(points: readonly PointInTime[]): Pick<Batch, "labels" | "labelMask"> {
    const { spec, horizonMs } = this.#options;
    const numTasks = spec.objectives.length;
    const labels = new Float32Array(points.length * numTasks);
    const labelMask = new Float32Array(points.length * numTasks);
    for (const [task, name] of spec.objectives.entries()) {
      const column = this.#store.column(name);
      const label = labelReader(this.#store.entry(name).kind);
      const outcome = this.#coding.outcomes.get(name) ?? { delayMs: 0 };
      for (const [i, { row, timeMs }] of points.entries()) {
        const found = label(column.at(row));
        // What is not known yet is not in the batch at all, so that no mask has to be remembered.
        if (found === null || !isLabelKnown(timeMs, outcome, horizonMs)) continue;
        labels[i * numTasks + task] = found;
        labelMask[i * numTasks + task] = 1;
      }
    }
    return { labels, labelMask };
  }

  #check(): void {
    const { contextual, candidate, history, counters = [] } = this.#options.spec;
    const numbers = this.#options.spec.numbers.filter(({ counter }) => counter === undefined);
    const counted = counters.flatMap(({ by }) => by.map((name) => ({ name })));
    const { vectors, lists } = contentOf(this.#options.spec);
    for (const { name } of vectors) this.#expectKind(name, "vector");
    for (const { name } of lists) this.#expectKind(name, "categories");
    for (const { name } of [...contextual, ...candidate, ...numbers, ...counted]) {
      // What happened to an item is known only after it was shown.
      if (this.#coding.outcomes.has(name) || name === "action" || outcomeOfKnown(name) !== null) throw leak(name);
    }
    for (const { name } of [...contextual, ...candidate, ...history]) if (!isComputed(name)) this.#store.entry(name);
    for (const { name } of numbers) if (name !== HISTORY_LENGTH) this.#expectKind(name, "number");
    for (const { name, kind } of objectivesOf(this.#options.spec)) this.#expectKind(name, OUTCOME_KINDS[kind]);
  }

  #expectKind(name: string, kind: ValueKind): void {
    const found = this.#store.entry(name).kind;
    if (found === kind) return;
    const hint = "Use the specification that was derived from this store.";
    throw new LapidaryError({
      code: "INTERNAL",
      where: `feature ${name}`,
      expected: `a ${kind}`,
      got: `a ${found}`,
      hint,
    });
  }
}

/** The row of an example itself. */
function ownSpan({ row, momentMs }: PointInTime): Span {
  return { start: row, end: row + 1, momentMs };
}

/** The facts of examples each of which stands for a row of the store, another one by column if need be. */
function factsOfRows(store: EventStore, rowOf: (name: string, example: number) => number): ExampleFacts {
  return {
    column: (name) => {
      const column = store.column(name);
      return { at: (b) => column.at(rowOf(name, b)) };
    },
    // One example at a time: its neighbours are of other rows.
    vectors: (name) => {
      const column = store.vectors(name);
      return { slice: (b) => column.slice(rowOf(name, b), rowOf(name, b) + 1) };
    },
    lists: (name) => {
      const column = store.lists(name);
      return {
        bounds: (b) => column.bounds(rowOf(name, b), rowOf(name, b) + 1),
        codes: (from, to) => column.codes(from, to),
      };
    },
  };
}

/** Values, then zeros. */
function padded(values: Float32Array, length: number): Float32Array {
  const longer = new Float32Array(length);
  longer.set(values);
  return longer;
}

function groupsOf(points: readonly PointInTime[], facts: ExampleFacts): ExampleGroups {
  const surface = facts.column("surface");
  return {
    users: Int32Array.from(points, ({ user }) => user),
    surfaces: Int32Array.from(points, ({ row }) => surface.at(row)),
    pastEvents: Int32Array.from(points, ({ numPast }) => numPast),
  };
}

function ownValues(name: string, facts: ExampleFacts): (point: PointInTime) => number {
  if (name === "user") return ({ user }) => user;
  const ofTime = TIME_CODES[name];
  if (ofTime) return ({ timeMs }) => ofTime(timeMs);
  const column = facts.column(name);
  return ({ row }) => column.at(row);
}

function columnsOf(features: readonly CategoryFeature[], codes: (feature: CategoryFeature) => Int32Array): CodeColumns {
  return Object.fromEntries(features.map((feature) => [feature.name, codes(feature)]));
}

function leak(name: string): LapidaryError {
  return new LapidaryError({
    code: "INTERNAL",
    where: `feature ${name}`,
    expected: "a fact known when the item is shown",
    got: "a fact of the example's own future",
    hint: "Outcomes may be read of past events only.",
  });
}
