import type { NumericKind, ScalarKind } from "../../config/events/value-kinds.ts";
import type {
  ArrivalConfig,
  AttributeConfig,
  EventsConfig,
  IdEncoding,
  OutcomeConfig,
  Source,
} from "../../config/types.ts";
import {
  type AttributeField,
  type EventSchema,
  FOLD_COLUMN,
  knownColumnOf,
  type OutcomeField,
} from "../../features/schema.ts";
import type { ListSpec } from "./rows/lists.ts";

/** How the values of a planned column are read. */
export type PlannedKind = "id" | "time" | "origin" | NumericKind | "flag" | "list";

/**
 * Where a planned column comes from: a field, a constant, the row itself, which is an id that no other row has, or the
 * window of the split that its file was named for.
 */
export type PlannedSource = Source | { readonly row: true } | { readonly window: true };

/** One column of the staged rows: where it comes from and what it may hold. */
export interface PlannedColumn {
  /** Name of the store's column; `user`, `time` and `id` are none. */
  readonly name: string;
  readonly source: PlannedSource;
  readonly kind: PlannedKind;
  /** A row without a value is rejected. */
  readonly required: boolean;
  /** How ids become codes; null where the kind is not `id` or needs no code. */
  readonly ids: IdEncoding | null;
  /** Of kind `list` alone. */
  readonly list?: ListSpec;
}

/** An outcome with a time of its own: its columns are computed from times. */
export interface PlannedArrival {
  readonly name: string;
  readonly outcome: OutcomeConfig & { readonly arrival: ArrivalConfig };
  /** Its time in the event's own row; null if it has a log of its own. */
  readonly at: PlannedColumn | null;
}

/** The staged rows of a configuration. */
export interface IngestPlan {
  readonly user: PlannedColumn;
  readonly time: PlannedColumn;
  readonly id: PlannedColumn | null;
  /** Columns that are stored as they are staged, in the order of the store's columns. */
  readonly columns: readonly PlannedColumn[];
  /** What is stored after them. */
  readonly arrivals: readonly PlannedArrival[];
  /** All that is staged. */
  readonly all: readonly PlannedColumn[];
}

const DICTIONARY: IdEncoding = { kind: "dictionary" };

/** The columns that a configuration asks for. */
export function planIngest(config: EventsConfig): IngestPlan {
  const id = (name: string, source: PlannedSource, options: Partial<PlannedColumn> = {}): PlannedColumn => {
    return { name, source, kind: "id", required: false, ids: DICTIONARY, ...options };
  };
  const user = id("user", config.user === null ? { row: true } : { from: config.user }, { required: true });
  // Rows without times share one. It is as good as any, and long before every request.
  const source = config.time ?? { value: "0" };
  const time: PlannedColumn = { name: "time", source, kind: "time", required: true, ids: null };
  const event = config.id === null ? null : id("id", { from: config.id }, { required: true, ids: null });
  const columns = [
    id("item", config.item, { required: true, ids: config.itemIds }),
    id("action", config.action),
    id("surface", config.surface),
    id("origin", config.origin, { kind: "origin", ids: null }),
    ...Object.entries(config.attributes).map(([name, fact]) => planAttribute(name, fact)),
    ...Object.entries(config.outcomes).flatMap(([name, fact]) =>
      fact.arrival === undefined ? [planFact(name, fact, DICTIONARY)] : [],
    ),
    ...(config.fold === undefined ? [] : [id(FOLD_COLUMN, "from" in config.fold ? config.fold : { window: true })]),
  ];
  const arrivals = Object.entries(config.outcomes).flatMap(([name, outcome]) => planArrival(name, outcome));
  const times = arrivals.flatMap(({ at }) => at ?? []);
  return {
    user,
    time,
    id: event,
    columns,
    arrivals,
    all: [user, time, ...(event ? [event] : []), ...columns, ...times],
  };
}

function planArrival(name: string, outcome: OutcomeConfig): PlannedArrival[] {
  const { arrival, from } = outcome;
  if (arrival === undefined) return [];
  const at: PlannedColumn = { name, source: { from }, kind: "time", required: false, ids: null };
  return [{ name, outcome: { ...outcome, arrival }, at: arrival.log === null ? at : null }];
}

interface Fact {
  readonly from: string;
  readonly kind: ScalarKind;
}

function planAttribute(name: string, fact: AttributeConfig): PlannedColumn {
  const list = { name, source: { from: fact.from }, kind: "list", required: false } as const;
  switch (fact.kind) {
    case "vector":
      return { ...list, ids: null, list: fact };
    case "categories":
      return { ...list, ids: fact.ids, list: fact };
    default:
      return planFact(name, fact, fact.ids);
  }
}

function planFact(name: string, { from, kind }: Fact, ids: IdEncoding): PlannedColumn {
  const isCategory = kind === "category";
  return { name, source: { from }, kind: isCategory ? "id" : kind, required: false, ids: isCategory ? ids : null };
}

/** The schema of the store that a configuration describes. `toldUntilMs` is that of outcomes with times of their own. */
export function schemaOf(config: EventsConfig, toldUntilMs: Readonly<Record<string, number>>): EventSchema {
  const told = { user: config.user !== null, item: "from" in config.item, time: config.time !== null };
  const without = (["user", "item", "time"] as const).filter((key) => !told[key]);
  return {
    ...(without.length === 0 ? {} : { without }),
    attributes: Object.entries(config.attributes).map(([name, fact]) => attributeField(name, fact)),
    outcomes: Object.entries(config.outcomes).map(([name, outcome]) => outcomeField(name, outcome, toldUntilMs[name])),
  };
}

function outcomeField(name: string, outcome: OutcomeConfig, toldUntilMs: number | undefined): OutcomeField {
  const { kind, delayMs, objective, arrival } = outcome;
  return {
    name,
    kind,
    delayMs,
    objective,
    // How many there were is known only when no further one counts.
    ...(arrival?.measure === "any" ? { knownColumn: knownColumnOf(name) } : {}),
    ...(toldUntilMs === undefined ? {} : { toldUntilMs }),
  };
}

function attributeField(name: string, fact: AttributeConfig): AttributeField {
  switch (fact.kind) {
    case "vector":
      return { name, kind: fact.kind, dim: fact.dim };
    case "categories":
      return { name, kind: fact.kind, delimiter: fact.delimiter };
    default:
      return { name, kind: fact.kind, ...(fact.history === false ? { history: false } : {}) };
  }
}

/** SQL name of the value of a planned column in every relation of rows. */
export function valueName(plan: IngestPlan, column: PlannedColumn): string {
  return `v${plan.all.indexOf(column)}`;
}

/** The field that a planned column is read from; null if it is a constant. */
export function fieldOf({ source }: PlannedColumn): string | null {
  return "from" in source ? source.from : null;
}
