import type { WorldConfig } from "../config/world/world.ts";
import type { Item } from "./behaviour/items.ts";
import type { Outcome, Probabilities } from "./behaviour/outcome.ts";
import type { People } from "./behaviour/people.ts";
import type { Traits } from "./behaviour/traits.ts";

/** Rows of one file of the log. @unit events */
export const ROWS_PER_FILE = 2 ** 18;

/** When and where an impression was. */
export interface Place {
  readonly user: number;
  readonly surface: number;
  position: number;
  nowMs: number;
}

/**
 * Columns of numbers as the simulation fills them: codes and counts, −1 or NaN where there is no value. One literal, so
 * that its members are reached as fast as fields.
 */
function emptyColumns(rows: number) {
  return {
    event: new Float64Array(rows),
    time: new Float64Array(rows),
    user: new Int32Array(rows),
    item: new Int32Array(rows),
    surface: new Int8Array(rows),
    isAd: new Int8Array(rows),
    position: new Int16Array(rows),
    maker: new Int32Array(rows),
    campaign: new Int32Array(rows),
    format: new Int8Array(rows),
    topic: new Int32Array(rows),
    age: new Int8Array(rows),
    country: new Int8Array(rows),
    device: new Int8Array(rows),
    looked: new Int8Array(rows),
    dwell: new Float32Array(rows),
    liked: new Int8Array(rows),
    commented: new Int8Array(rows),
    shared: new Int8Array(rows),
    clicked: new Int8Array(rows),
    converted: new Int8Array(rows),
    /** @unit h */
    delay: new Float32Array(rows),
    trueLike: new Float64Array(rows),
    trueClick: new Float64Array(rows),
    trueConversion: new Float64Array(rows),
  };
}

/** What came of an impression, what was likely to, and what oracles said of it. */
export interface Result {
  readonly outcome: Outcome;
  readonly truth: Probabilities;
  readonly oracles?: ArrayLike<number> | undefined;
}

/** Who is shown things, and what is told of them. */
interface Shown {
  readonly people: People;
  readonly traits: Traits;
}

/** The columns of {@link Rows} besides the embedding. */
export type Columns = ReturnType<typeof emptyColumns>;

/** Impressions of one file, a column each: what a log holds, and the truth beside it. */
export class Rows {
  readonly columns: Columns = emptyColumns(ROWS_PER_FILE);
  /** Numbers of the creative's embedding, a column each. */
  readonly creative: readonly Int8Array[];
  /** What each oracle says of each outcome, a column each; none where none are asked. */
  readonly oracles: readonly Float32Array[];
  length = 0;
  /** Number of events in the files before. */
  #written = 0;
  /** Traits of the person, and of the item, a column each; none in a world without. */
  readonly personTraits: readonly Uint8Array[];
  readonly itemTraits: readonly Uint8Array[];
  readonly #people: People;
  readonly #traits: Traits;
  /** Later conversions are not attributed. */
  readonly #windowMs: number;

  constructor(
    { people, traits }: Shown,
    config: Pick<WorldConfig, "conversion" | "topics" | "traits">,
    numOracles = 0,
  ) {
    const { conversion, topics } = config;
    const bytes = (length: number) => Array.from({ length }, () => new Uint8Array(ROWS_PER_FILE));
    this.#people = people;
    this.#traits = traits;
    this.personTraits = bytes(config.traits.ofPeople);
    this.itemTraits = bytes(config.traits.ofItems);
    this.#windowMs = conversion.windowMs;
    this.creative = Array.from({ length: topics.creativeDim }, () => new Int8Array(ROWS_PER_FILE));
    this.oracles = Array.from({ length: numOracles }, () => new Float32Array(ROWS_PER_FILE));
  }

  /** Number of events so far. */
  get total(): number {
    return this.#written + this.length;
  }

  /** Begins a new file. */
  clear(): void {
    this.#written += this.length;
    this.length = 0;
  }

  /** Adds an impression. */
  add(place: Place, item: Item, result: Result): void {
    const at = this.length;
    for (const [column, values] of this.oracles.entries()) values[at] = result.oracles?.[column] ?? Number.NaN;
    this.#shown(at, place, item);
    this.#happened(at, item.isAd, result);
    this.length = at + 1;
  }

  #shown(at: number, { user, surface, position, nowMs }: Place, item: Item): void {
    const { columns } = this;
    const people = this.#people;
    columns.event[at] = this.#written + at;
    columns.time[at] = nowMs;
    columns.user[at] = user;
    columns.item[at] = item.id;
    columns.surface[at] = surface;
    columns.isAd[at] = item.isAd ? 1 : 0;
    columns.position[at] = position;
    columns.maker[at] = item.maker;
    columns.campaign[at] = item.campaign;
    columns.format[at] = item.format;
    columns.topic[at] = item.label;
    columns.age[at] = people.age[user]!;
    columns.country[at] = people.country[user]!;
    columns.device[at] = people.device[user]!;
    for (let i = 0; i < this.creative.length; i++) this.creative[i]![at] = item.creative[i]!;
    const { personTraits, itemTraits } = this;
    for (let i = 0, from = user * personTraits.length; i < personTraits.length; i++)
      personTraits[i]![at] = this.#traits.people[from + i]!;
    for (let i = 0; i < itemTraits.length; i++) itemTraits[i]![at] = item.traits[i]!;
  }

  #happened(at: number, isAd: boolean, { outcome, truth }: Result) {
    const { columns } = this;
    const flag = (value: boolean): number => (value ? 1 : 0);
    const hasConverted = outcome.buysAfterMs <= this.#windowMs;
    columns.looked[at] = flag(outcome.looked);
    columns.dwell[at] = outcome.dwell;
    columns.liked[at] = flag(outcome.liked);
    columns.commented[at] = flag(outcome.commented);
    columns.shared[at] = flag(outcome.shared);
    // Posts lead nowhere: they have neither clicks nor conversions.
    columns.clicked[at] = isAd ? flag(outcome.clicked) : -1;
    columns.converted[at] = isAd ? flag(hasConverted) : -1;
    columns.delay[at] = hasConverted ? outcome.buysAfterMs / 3_600_000 : Number.NaN;
    const click = truth.look * truth.clickGivenLook;
    columns.trueLike[at] = truth.look * truth.likeGivenLook;
    columns.trueClick[at] = isAd ? click : Number.NaN;
    columns.trueConversion[at] = isAd ? click * truth.conversionInWindowGivenClick : Number.NaN;
  }
}
