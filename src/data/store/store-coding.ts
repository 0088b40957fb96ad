import { type Coder, coderOf, isComputed } from "../../features/coding.ts";
import type { OutcomeField } from "../../features/schema.ts";
import type { CategoryFeature } from "../../features/spec.ts";
import { Vocabulary } from "../../features/vocabulary.ts";
import type { Column } from "./column.ts";
import type { EventStore } from "./event-store.ts";

/** Moment after which each code has a row of its own, by table. @unit ms since 1970, UTC */
export type AdmissionTimes = Readonly<Record<string, Float64Array>>;

/** How the values of a store's columns become codes. */
export class StoreCoding {
  readonly store: EventStore;
  /** By name. */
  readonly outcomes: ReadonlyMap<string, OutcomeField>;
  /** By table. */
  readonly vocabularies: ReadonlyMap<string, Vocabulary>;

  /** Tables without times of admission are read as they are. */
  constructor(store: EventStore, admittedMs: AdmissionTimes) {
    this.store = store;
    this.outcomes = new Map(store.manifest.schema.outcomes.map((outcome) => [outcome.name, outcome]));
    const tables = Object.entries(admittedMs).map(([table, times]) => [table, new Vocabulary(times)] as const);
    this.vocabularies = new Map(tables);
  }

  /** The coder of a feature's values. @throws {LapidaryError} STORE_COLUMN if it has no column */
  coder(feature: CategoryFeature): Coder {
    const { name, table } = feature;
    return coderOf(feature, isComputed(name) ? null : this.store.entry(name).kind, this.vocabularies.get(table));
  }

  /** Time after which an outcome is known of every event; null of everything else. @unit ms */
  delayMs(name: string): number | null {
    return this.outcomes.get(name)?.delayMs ?? null;
  }

  /** Time after which each event's outcome is known, by row; null if it is one for all, or no outcome. @unit ms */
  knownTimes(name: string): Column | null {
    const column = this.outcomes.get(name)?.knownColumn;
    return column === undefined ? null : this.store.column(column);
  }
}
