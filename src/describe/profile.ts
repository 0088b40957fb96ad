/** What a profile of an event store says. All of it is plain data: `lapidary describe --json` prints it as it stands. */
import type { AmountKind } from "../config/events/objective-kinds.ts";
import type { EventWindow, RowCounts } from "../data/index.ts";
import type { ValueKind } from "../features/schema.ts";
import type { Finding } from "./finding.ts";

/** A window of the split, by its name. */
export interface NamedWindow extends EventWindow {
  readonly name: string;
}

/** Bars of a histogram. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** How numbers are spread; null where there are none. */
export interface Distribution {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Value by quantile, within 1% once there are more distinct values than are kept. */
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
  readonly scale: "linear" | "log";
  /** Bars up to the 99.5% quantile. */
  readonly bins: readonly Bin[];
}

/** One of the most frequent values. */
export interface TopValue {
  /** Null where only a hash of it was kept. */
  readonly value: string | null;
  readonly count: number;
  /** Of the events that have a value; of a list, of those that have any. */
  readonly share: number;
}

/** What the values of a field are, by its kind. */
export type FieldValues =
  | { readonly kind: "number"; readonly distribution: Distribution | null; readonly integers: number }
  | { readonly kind: "category" | "flag"; readonly top: readonly TopValue[] }
  | ListValues
  | VectorValues;

/** Lists of ids; an empty one is missing. */
export interface ListValues {
  readonly kind: "categories";
  /** Ids of an event that has any. */
  readonly lengths: Distribution | null;
  readonly top: readonly TopValue[];
}

/** Vectors. Shares are of the events that have one. */
export interface VectorValues {
  readonly kind: "vector";
  readonly dim: number;
  /** Euclidean norms. */
  readonly norms: Distribution | null;
  /** Components that are the same in all vectors, from 0. */
  readonly constant: readonly number[];
  /** The component of the largest scale; null if there are no vectors. */
  readonly largest: ComponentScale | null;
  /** Share whose components are all 0. */
  readonly zeros: number;
  /** Share whose vector another item has as well, and of the most frequent such vector. */
  readonly shared: number;
  readonly mostShared: number;
}

/** Scale of a component beside those of all: roots of the mean of squares. */
export interface ComponentScale {
  /** From 0. */
  readonly component: number;
  readonly scale: number;
  /** Median of the scales of all components. */
  readonly median: number;
}

/** One field of the events. */
export interface FieldProfile {
  readonly name: string;
  /** A key column, a fact known when the item is shown, or one known later. */
  readonly role: "key" | "attribute" | "outcome";
  readonly kind: ValueKind;
  /** Share of the events without a value. */
  readonly missing: number;
  /** Number of distinct values; an estimate, within some 5%, where `isExact` is false. */
  readonly distinct: { readonly count: number; readonly isExact: boolean };
  readonly values: FieldValues;
}

/** Labels of a part of the events. */
export interface Rate {
  readonly known: number;
  readonly positive: number;
}

/** One label: a flag, or an amount or a count that models predict, which becomes known after its event. Only labels whose delay had passed at the end of the log count. */
export interface LabelProfile extends Rate {
  readonly name: string;
  /** Whether models predict it. */
  readonly objective: boolean;
  /** Positive are those above 0. @default a flag */
  readonly kind?: AmountKind;
  readonly bySurface: readonly (Rate & { readonly surface: string })[];
  readonly byDay: readonly (Rate & { readonly dayMs: number })[];
  readonly byWindow: readonly (Rate & { readonly window: string })[];
}

/** One window of the split. */
export interface WindowProfile extends NamedWindow {
  readonly events: number;
  /** Null if the log has no users. */
  readonly users: number | null;
  readonly items: number;
  /** Share of its events whose item, or user, has events in the first window; null for the first and for empty ones, and without users. */
  readonly knownItems: number | null;
  readonly knownUsers: number | null;
}

/** When an outcome becomes known. */
export interface DelayProfile {
  readonly name: string;
  /** What the configuration says. @unit ms */
  readonly delayMs: number;
  /** Share of the events so near the end of the log that the delay has not passed. */
  readonly unknownAtEnd: number;
  /** Whether the log says when it happened. */
  readonly isTimed: boolean;
  /** From its own times; null if it has none, if it is a count or a sum, or if none came within a window that has closed. */
  readonly measured: MeasuredDelay | null;
}

/** What an outcome's own times say, of events whose window has closed: of others the late ones are still to come. */
export interface MeasuredDelay {
  /** Time from an event to when its outcome is known, within the window. @unit ms */
  readonly distribution: Distribution;
  /** Outcomes that came after the window, and count for nothing. */
  readonly late: number;
  /** Share of the outcomes, the late ones included, that a delay would miss, by delay, up to the configured one. @unit ms */
  readonly missed: readonly { readonly delayMs: number; readonly share: number }[];
}

/** How events lie in time. */
export interface TimeProfile {
  readonly earliestMs: number;
  readonly latestMs: number;
  /** Share of the events at 00:00:00.000 UTC. */
  readonly atMidnight: number;
  /** Share of the events at the same time of day as the first. */
  readonly atOneTimeOfDay: number;
  /** Share of the events at the same time as an earlier one of the same user: neither is in the other's history. */
  readonly tied: number;
  readonly byDay: readonly { readonly dayMs: number; readonly events: number }[];
}

/** Everything that a look at the events can tell. */
export interface Profile {
  readonly store: string;
  readonly numEvents: number;
  /** Null if the log has no users. */
  readonly numUsers: number | null;
  readonly rows: RowCounts;
  /** Number of rejected rows by reason. */
  readonly rejections: Readonly<Record<string, number>>;
  /** Events that are equal to an earlier one of the same user and time in every column. */
  readonly repeated: number;
  /** Null if the log has no times. */
  readonly time: TimeProfile | null;
  readonly windows: readonly WindowProfile[];
  /** Events that lie in no window: no model learns from them, and none is measured on them. */
  readonly outside: number;
  readonly fields: readonly FieldProfile[];
  readonly labels: readonly LabelProfile[];
  readonly delays: readonly DelayProfile[];
  /** Events of each user, and past events of each event; null if the log has no users or no times. */
  readonly histories: { readonly perUser: Distribution | null; readonly perEvent: Distribution | null };
  /** What is suspicious, worst first. */
  readonly findings: readonly Finding[];
}

/** What a profile says besides its findings. */
export type Facts = Omit<Profile, "findings">;
