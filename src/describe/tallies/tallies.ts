import type { EventStore } from "../../data/index.ts";
import type { ColumnEntry } from "../../data/store/format.ts";
import type { ValueKind } from "../../features/schema.ts";
import { ListTally, VectorTally } from "./content-tally.ts";
import { CodeTally, type FieldTally, idsOf, NumberFieldTally, type TallyOptions } from "./field-tally.ts";

/** How the values of each kind are counted. */
const TALLIES: Readonly<Record<ValueKind, (options: TallyOptions) => FieldTally>> = {
  category: (options) => new CodeTally("category", options),
  flag: (options) => new CodeTally("flag", { ...options, idOf: (code) => FLAG_IDS[code] ?? null }),
  number: (options) => new NumberFieldTally(options),
  value: (options) => new NumberFieldTally(options),
  count: (options) => new NumberFieldTally(options),
  categories: (options) => new ListTally(options),
  vector: (options) => new VectorTally(options),
};

/** Texts of the codes of flags. */
const FLAG_IDS = [null, "0", "1"] as const;

/** A tally of a column of the store. */
export function fieldTally(store: EventStore, entry: ColumnEntry, numLabels: number): FieldTally {
  return TALLIES[entry.kind]({ entry, numLabels, idOf: idsOf(store, entry.name) });
}
