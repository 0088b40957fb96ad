import { setImmediate } from "node:timers/promises";
import { DAY_MS } from "../base/units.ts";
import { amountKindOf } from "../config/events/objective-kinds.ts";
import type { EventStore } from "../data/index.ts";
import { type EventSchema, FOLD_COLUMN, hasHistories, outcomeOfKnown } from "../features/schema.ts";
import { DelayTally } from "./delays.ts";
import { bySeverity } from "./finding.ts";
import { findSuspicions } from "./findings/index.ts";
import type { Facts, FieldProfile, LabelProfile, NamedWindow, Profile, Rate, TimeProfile } from "./profile.ts";
import { CopyTally } from "./tallies/copies.ts";
import { type EventBlock, eventBlocks } from "./tallies/event-blocks.ts";
import { type FieldTally, idsOf, topOf } from "./tallies/field-tally.ts";
import { NumberTally } from "./tallies/number-tally.ts";
import { RepeatTally } from "./tallies/repeats.ts";
import { Slots } from "./tallies/slots.ts";
import { fieldTally } from "./tallies/tallies.ts";
import { WindowTally } from "./windows.ts";

/** Options of {@link profileStore}. */
export interface ProfileOptions {
  /** The windows of the split, in order; the first is what models learn from. */
  readonly windows: readonly NamedWindow[];
  /** Whether training draws negatives beside positives, so that these may be all that the log has. @default false */
  readonly drawsNegatives?: boolean;
  /** Events after it lie in the future. @default now @unit ms since 1970, UTC */
  readonly nowMs?: number;
  /** Called after each block with the number of rows so far; what it throws ends the profile. */
  readonly onRows?: (done: number) => void;
}

/**
 * Looks at every event once, block by block: memory grows with the number of distinct ids, not with that of events.
 *
 * @throws what `onRows` throws
 */
export async function profileStore(store: EventStore, options: ProfileOptions): Promise<Profile> {
  const tallies = new StoreTallies(store, options.windows);
  for (const block of eventBlocks(store, tallies.labels)) {
    tallies.count(block);
    options.onRows?.(block.start + block.size);
    await setImmediate();
  }
  const facts = tallies.facts();
  const nowMs = options.nowMs ?? Date.now();
  const findings = findSuspicions({
    ...facts,
    events: store,
    groups: tallies.groups(),
    copies: tallies.copies(),
    drawsNegatives: options.drawsNegatives ?? false,
    nowMs,
  });
  return { ...facts, findings: bySeverity(findings) };
}

/** All that is counted of a store. */
class StoreTallies {
  readonly labels: readonly EventSchema["outcomes"][number][];
  readonly #store: EventStore;
  readonly #fields: ReadonlyMap<string, FieldTally>;
  readonly #windows: WindowTally;
  readonly #names: readonly string[];
  readonly #days: Slots;
  readonly #firstDay: number;
  readonly #repeats = new RepeatTally();
  readonly #copies: CopyTally;
  readonly #delays: DelayTally;
  readonly #past = new NumberTally(0);
  #midnight = 0;
  #sameTimeOfDay = 0;
  #firstTime = Number.NaN;

  constructor(store: EventStore, windows: readonly NamedWindow[]) {
    const { schema, time } = store.manifest;
    this.#store = store;
    this.labels = schema.outcomes.filter(
      ({ kind, objective }) => kind === "flag" || (objective && kind !== "category"),
    );
    const numLabels = this.labels.length;
    const isField = (name: string): boolean => outcomeOfKnown(name) === null && name !== FOLD_COLUMN;
    const fields = store.manifest.columns.filter(({ name }) => isField(name));
    this.#fields = new Map(fields.map((entry) => [entry.name, fieldTally(store, entry, numLabels)]));
    this.#windows = new WindowTally(store, windows, numLabels);
    this.#names = windows.map(({ name }) => name);
    this.#firstDay = Math.floor(time.earliestMs / DAY_MS);
    this.#days = new Slots(Math.floor(time.latestMs / DAY_MS) - this.#firstDay + 1, numLabels);
    this.#copies = new CopyTally(store);
    this.#delays = new DelayTally(store, this.labels);
  }

  count(block: EventBlock): void {
    for (const tally of this.#fields.values()) tally.count(block);
    this.#delays.count(block);
    this.#windows.count(block);
    this.#repeats.count(block);
    this.#copies.count(block);
    this.#countTimes(block);
  }

  #countTimes({ size, times, past, labels }: EventBlock): void {
    if (Number.isNaN(this.#firstTime)) this.#firstTime = times[0]!;
    for (let i = 0; i < size; i++) {
      const time = times[i]!;
      this.#days.count(Math.floor(time / DAY_MS) - this.#firstDay, labels, i);
      this.#past.count(past[i]!);
      if (time % DAY_MS === 0) this.#midnight++;
      if ((time - this.#firstTime) % DAY_MS === 0) this.#sameTimeOfDay++;
    }
  }

  groups() {
    return new Map([...this.#fields].map(([name, tally]) => [name, tally.groups()]));
  }

  copies() {
    return this.#copies.copies();
  }

  facts(): Facts {
    const { manifest, numEvents, numUsers, folder } = this.#store;
    const hasPast = hasHistories(manifest.schema);
    const hasUsers = manifest.schema.without?.includes("user") !== true;
    const perUser = new NumberTally(0);
    const counts = new Float64Array(numUsers + 1);
    for (let user = 1; user <= numUsers; user++) {
      const { start, end } = this.#store.userRange(user);
      perUser.count(end - start);
      counts[user] = end - start;
    }
    return {
      store: folder,
      numEvents,
      numUsers: hasUsers ? numUsers : null,
      rows: manifest.rows,
      rejections: manifest.rejections,
      repeated: this.#repeats.repeated,
      time: this.#time(),
      windows: this.#windows.profiles(),
      outside: this.#windows.outside,
      fields: [...(hasUsers ? [this.#userField(counts)] : []), ...this.#fieldProfiles()],
      labels: this.labels.map((_, t) => this.#label(t)),
      delays: this.#delays.profiles(),
      histories: {
        perUser: hasPast ? perUser.distribution() : null,
        perEvent: hasPast ? this.#past.distribution() : null,
      },
    };
  }

  #time(): TimeProfile | null {
    const { numEvents, manifest } = this.#store;
    if (manifest.schema.without?.includes("time") === true) return null;
    const { earliestMs, latestMs } = manifest.time;
    return {
      earliestMs,
      latestMs,
      atMidnight: this.#midnight / numEvents,
      atOneTimeOfDay: this.#sameTimeOfDay / numEvents,
      tied: this.#repeats.tied / numEvents,
      byDay: this.#dayRows((dayMs, day) => ({ dayMs, events: this.#days.events[day]! })),
    };
  }

  /** One row per day, those without events included. */
  #dayRows<T>(rowOf: (dayMs: number, day: number) => T): readonly T[] {
    return Array.from(this.#days.events, (_, day) => rowOf((this.#firstDay + day) * DAY_MS, day));
  }

  #userField(counts: Float64Array): FieldProfile {
    const top = topOf(counts, idsOf(this.#store, "user"));
    const distinct = { count: this.#store.numUsers, isExact: true };
    return { name: "user", role: "key", kind: "category", missing: 0, distinct, values: { kind: "category", top } };
  }

  #fieldProfiles(): readonly FieldProfile[] {
    const { attributes, outcomes } = this.#store.manifest.schema;
    const roleOf = (name: string): FieldProfile["role"] => {
      if (attributes.some((attribute) => attribute.name === name)) return "attribute";
      return outcomes.some((outcome) => outcome.name === name) ? "outcome" : "key";
    };
    const kinds = new Map(this.#store.manifest.columns.map(({ name, kind }) => [name, kind]));
    return [...this.#fields].map(([name, tally]) => {
      return { name, role: roleOf(name), kind: kinds.get(name) ?? "category", ...tally.profile() };
    });
  }

  #label(t: number): LabelProfile {
    const { name, objective, kind } = this.labels[t]!;
    const amount = amountKindOf(kind);
    const byWindow = this.#names.map((window, w) => ({ window, ...this.#windows.labels.rate(w, t) }));
    const byDay = this.#dayRows((dayMs, day) => ({ dayMs, ...this.#days.rate(day, t) }));
    const sum = (of: keyof Rate): number => byDay.reduce((total, day) => total + day[of], 0);
    const surfaces = this.#fields.get("surface")?.groups() ?? null;
    const bySurface = Array.from({ length: surfaces?.size ?? 0 }, (_, code) => ({
      surface: surfaces?.nameOf(code) ?? "",
      ...(surfaces?.slots.rate(code, t) ?? { known: 0, positive: 0 }),
    })).filter(({ known }) => known > 0);
    const label = { name, objective, ...(amount === null ? {} : { kind: amount }) };
    return { ...label, known: sum("known"), positive: sum("positive"), bySurface, byDay, byWindow };
  }
}
