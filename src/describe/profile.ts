/** What a profile of an event store says. All of it is plain data: `lapidary describe --json` prints it as it stands. */
import type { RowCounts } from "../data/index.ts";
import type { ScalarKind } from "../features/schema.ts";
import type { Finding } from "./finding.ts";

/** A window of the split, by its name. @unit ms since 1970, UTC */
export interface NamedWindow {
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
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
  /** Of the events that have a value. */
  readonly share: number;
}

/** What the values of a field are, by its kind. */
export type FieldValues =
  | { readonly kind: "number"; readonly distribution: Distribution | null; readonly integers: number }
  | { readonly kind: "category" | "flag"; readonly top: readonly TopValue[] };

/** One field of the events. */
export interface FieldProfile {
  readonly name: string;
  /** A key column, a fact known when the item is shown, or one known later. */
  readonly role: "key" | "attribute" | "outcome";
  readonly kind: ScalarKind;
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

/** One label: a flag that becomes known after its event. Only labels whose delay had passed at the end of the log count. */
export interface LabelProfile extends Rate {
  readonly name: string;
  /** Whether models predict it. */
  readonly objective: boolean;
  readonly bySurface: readonly (Rate & { readonly surface: string })[];
  readonly byDay: readonly (Rate & { readonly dayMs: number })[];
  readonly byWindow: readonly (Rate & { readonly window: string })[];
}

/** One window of the split. */
export interface WindowProfile extends NamedWindow {
  readonly events: number;
  readonly users: number;
  readonly items: number;
  /** Share of its events whose item, or user, has events in the first window; null for the first. */
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
  /** From the outcomes' own times; null for a log whose outcomes have none. */
  readonly measured: MeasuredDelay | null;
}

/** What an outcome's own times say. */
export interface MeasuredDelay {
  /** @unit ms */
  readonly distribution: Distribution;
  /** Share of the positive labels that a delay would miss, by delay. @unit ms */
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
  readonly numUsers: number;
  readonly rows: RowCounts;
  /** Number of rejected rows by reason. */
  readonly rejections: Readonly<Record<string, number>>;
  /** Events that are equal to an earlier one of the same user and time in every column. */
  readonly repeated: number;
  readonly time: TimeProfile;
  readonly windows: readonly WindowProfile[];
  readonly fields: readonly FieldProfile[];
  readonly labels: readonly LabelProfile[];
  readonly delays: readonly DelayProfile[];
  /** Events of each user, and past events of each event. */
  readonly histories: { readonly perUser: Distribution | null; readonly perEvent: Distribution | null };
  /** What is suspicious, worst first. */
  readonly findings: readonly Finding[];
}

/** What a profile says besides its findings. */
export type Facts = Omit<Profile, "findings">;
