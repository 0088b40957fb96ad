import type { EventStore } from "../../data/index.ts";
import type { Facts } from "../profile.ts";
import type { Copy } from "../tallies/copies.ts";
import type { LabelGroups } from "../tallies/field-tally.ts";

/** What findings are made from. */
export interface Evidence extends Facts {
  readonly events: EventStore;
  /** Labels by the values of each field, by its name; null where there are too many values. */
  readonly groups: ReadonlyMap<string, LabelGroups | null>;
  readonly copies: readonly Copy[];
  readonly drawsNegatives: boolean;
  /** @unit ms since 1970, UTC */
  readonly nowMs: number;
}
