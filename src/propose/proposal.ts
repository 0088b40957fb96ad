/** What is proposed for a log: which field is what, and why. */
import type { ValueKind } from "../config/events/value-kinds.ts";

/** Formats of a log. */
export type LogFormat = "parquet" | "csv" | "tsv" | "jsonl";

/** A field that was chosen, and the reason. */
export interface Choice {
  readonly field: string;
  readonly reason: string;
}

/** Units of a time. */
export type TimeUnit = "s" | "ms" | "us" | "ns" | "iso";

/** The time, and the range that all of the log lies in. @unit ms since 1970, UTC */
export interface TimeChoice extends Choice {
  readonly unit: TimeUnit;
}

/** A fact of the events: its name in the configuration, its field and kind. */
export interface FactChoice extends Choice {
  readonly name: string;
  readonly kind: ValueKind;
  /** Of vectors alone. */
  readonly dim?: number;
  /** Of lists that are one text alone. */
  readonly delimiter?: string;
}

/** Whether an item was paid for, and the values that say so; null where they are `ad` and `organic`. */
export interface OriginChoice extends Choice {
  readonly ad: readonly (string | number | boolean)[] | null;
}

/** A label, and the time after which it is known. */
export interface ObjectiveChoice extends FactChoice {
  /** Whether the field holds when it happened, and is empty if it did not; the delay is then its window. */
  readonly isTimed: boolean;
  readonly delay: string;
  /** Whether the log tells the delay; otherwise it is an assumption. */
  readonly isMeasured: boolean;
}

/** Where the windows end. @unit ms since 1970, UTC */
export interface SplitChoice {
  readonly trainUntilMs: number;
  readonly validationUntilMs: number;
  readonly testUntilMs: number;
  readonly reason: string;
}

/** Everything that a configuration needs. */
export interface Proposal {
  readonly format: LogFormat;
  /** Whether the names of the files do not tell the format. */
  readonly namesFormat: boolean;
  /** What separates the fields, if it is not what the format says. */
  readonly delimiter: string | null;
  /** Whether decimals follow a comma. */
  readonly hasDecimalComma: boolean;
  readonly numFiles: number;
  readonly numRows: number;
  readonly sampledRows: number;
  readonly id: Choice | null;
  readonly user: Choice | null;
  readonly item: Choice | null;
  readonly time: TimeChoice | null;
  readonly action: Choice | null;
  readonly surface: Choice | null;
  readonly origin: OriginChoice | null;
  readonly attributes: readonly FactChoice[];
  /** Known later, and not predicted. */
  readonly outcomes: readonly FactChoice[];
  readonly objectives: readonly ObjectiveChoice[];
  /** Why negatives are to be drawn; null if the log has its own. */
  readonly negatives: string | null;
  /** Time after which outcomes are taken to be known, by the kind of what happened. */
  readonly delays: { readonly soon: string; readonly late: string };
  readonly split: SplitChoice | null;
  /** Fields that are left out, with the reason. */
  readonly unmapped: readonly Choice[];
  /** What a reader must decide. */
  readonly doubts: readonly string[];
}
