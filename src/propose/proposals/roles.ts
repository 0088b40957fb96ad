import { burstiness, constancy } from "../compare.ts";
import type { FieldFacts } from "../facts.ts";
import type { Choice, OriginChoice } from "../proposal.ts";
import { hasTrait, hasWord, isNamed, type NamedRole, ownName, wordsOf } from "../words.ts";

/** Share of distinct values from which a field has one per row. */
const PER_ROW = 0.9;
/** Missing values that an id of an event may have. */
const MOST_MISSING = 0.05;
/** Values that a role without a name needs: fewer are a category. */
const FEWEST_UNNAMED = 15;
const MOST_ACTIONS = 50;
const MOST_SURFACES = 200;
const ACTION_VALUES = new Set(
  "impression imp view pv click clk purchase buy conversion cart add_to_cart addtocart fav like share comment show expose order play skip install".split(
    " ",
  ),
);

/** How often the values of a field repeat over the whole log. */
export interface Repetition {
  readonly rows: number;
  /** Distinct values by field: in the whole log where they were counted, else in the sample. */
  distinctOf(field: FieldFacts): number;
}

/** What is being decided. */
export interface RoleContext {
  readonly fields: readonly FieldFacts[];
  readonly repetition: Repetition;
  /** Times of the rows; null if no field is one. @unit ms since 1970, UTC */
  readonly times: Float64Array | null;
  readonly doubts: string[];
}

/** A chosen field, with its facts. */
export interface ChosenField extends Choice {
  readonly facts: FieldFacts;
}

function quoted(names: readonly FieldFacts[]): string {
  return names.map(({ name }) => `"${name}"`).join(", ");
}

function count(value: number): string {
  return value.toLocaleString("en");
}

/** Whether the values of a field can be ids. */
export function canBeId({
  isNested,
  list,
  isFlag,
  times,
  missing,
  numbers,
  isWhole,
  isCalendarDay,
  hasBlanks,
}: FieldFacts): boolean {
  const isMeasured = numbers !== null && !isWhole;
  return (
    !isNested &&
    list === null &&
    !isFlag &&
    times === null &&
    !isMeasured &&
    !isCalendarDay &&
    !hasBlanks &&
    missing <= MOST_MISSING
  );
}

function repeats(field: FieldFacts, { repetition }: RoleContext): boolean {
  const distinct = repetition.distinctOf(field);
  return field.distinct >= 2 && distinct <= PER_ROW * repetition.rows;
}

function described(field: FieldFacts, { repetition }: RoleContext): string {
  const distinct = repetition.distinctOf(field);
  return `${count(distinct)} values in ${count(repetition.rows)} rows, ${(repetition.rows / Math.max(1, distinct)).toFixed(1)} rows each`;
}

/** The field of one event's id: named so, and different in every row. */
export function chooseEventId(context: RoleContext): ChosenField | null {
  const { fields, repetition } = context;
  const named = fields.filter((field) => isNamed(field.name, "event") || /^(id|uuid|guid|_id)$/i.test(field.name));
  const unique = named.filter(
    (field) => canBeId(field) && field.missing === 0 && repetition.distinctOf(field) === repetition.rows,
  );
  const [facts] = unique.toSorted((a, b) => idFirst(b) - idFirst(a));
  if (facts === undefined) return null;
  return { field: facts.name, facts, reason: `named so, and different in each of ${count(repetition.rows)} rows` };
}

/** User and item: by name where the values agree, else by the values alone, which is said as a doubt. */
export function chooseUserAndItem(context: RoleContext, taken: readonly FieldFacts[]) {
  const open = context.fields.filter((field) => canBeId(field) && !taken.includes(field));
  const user = byName(open, ["user", "userWeak"], { ...context, what: "user" });
  const rest = open.filter((field) => field !== user?.facts);
  const item = byName(rest, ["item", "itemWeak"], { ...context, what: "item" });
  if (user !== null && item !== null) return { user, item };
  return byValues(
    rest.filter((field) => field !== item?.facts),
    { user, item, context },
  );
}

interface NamedOptions extends RoleContext {
  readonly what: string;
}

function byName(open: readonly FieldFacts[], roles: readonly NamedRole[], options: NamedOptions): ChosenField | null {
  for (const role of roles) {
    const named = open.filter((field) => isNamed(field.name, role));
    const usable = named.filter((field) => repeats(field, options)).sort((a, b) => idFirst(b) - idFirst(a));
    for (const field of named.filter((each) => !usable.includes(each))) {
      const distinct = options.repetition.distinctOf(field);
      options.doubts.push(
        `"${field.name}" is named like ${options.what === "item" ? "an item" : "a user"}, but has ${count(distinct)} values in ${count(options.repetition.rows)} rows: it is not taken for one.`,
      );
    }
    const [facts, ...others] = usable;
    if (facts === undefined) continue;
    const same = others.filter((other) => idFirst(other) === idFirst(facts));
    if (same.length > 0)
      options.doubts.push(`The ${options.what} may also be ${quoted(same)}; "${facts.name}" comes first.`);
    return { field: facts.name, facts, reason: `named so; ${described(facts, options)}` };
  }
  return null;
}

/** `user_id` before `user_name` and `user`. */
function idFirst({ name }: FieldFacts): number {
  if (/name$/i.test(name)) return 0;
  return hasTrait(name, "id") ? 2 : 1;
}

interface ValueOptions {
  readonly user: ChosenField | null;
  readonly item: ChosenField | null;
  readonly context: RoleContext;
}

/** People come in sessions, and what describes an item never changes with it. */
function byValues(open: readonly FieldFacts[], { user, item, context }: ValueOptions) {
  const candidates = open.filter((field) => {
    return (
      repeats(field, context) && field.distinct >= FEWEST_UNNAMED && !isFact(field) && !hasTrait(field.name, "measure")
    );
  });
  const [likeliest] = candidates.toSorted((a, b) => userLikeness(b, context) - userLikeness(a, context));
  // Without times there are no histories, and who saw an item says next to nothing.
  const isGuess = likeliest !== undefined && context.times !== null;
  const someone = user ?? (isGuess ? guessed(likeliest, "user", { candidates, context }) : null);
  const distinct = (field: FieldFacts): number => context.repetition.distinctOf(field);
  const [largest] = candidates
    .filter((candidate) => candidate !== someone?.facts)
    .sort((a, b) => distinct(b) - distinct(a));
  const something = item ?? (largest ? guessed(largest, "item", { candidates, context }) : null);
  return { user: someone, item: something };
}

function isFact({ name }: FieldFacts): boolean {
  return (
    hasTrait(name, "outcome") || hasTrait(name, "predicted") || isNamed(name, "surface") || isNamed(name, "action")
  );
}

/** Larger for what comes in bursts and is described by fewer of the other fields. */
function userLikeness(field: FieldFacts, { fields, times }: RoleContext): number {
  const others = fields.filter(
    (other) => other !== field && !other.isFlag && other.times === null && other.distinct >= 2,
  );
  const constant = others.filter((other) => {
    return other.distinct < field.distinct && (constancy(other, field) ?? 0) > 0.98;
  });
  const bursts = times === null ? 1 : burstiness(field, times);
  return -constant.length / Math.max(1, others.length) - Math.log2(Math.max(0.01, bursts));
}

interface GuessOptions {
  readonly candidates: readonly FieldFacts[];
  readonly context: RoleContext;
}

function guessed(facts: FieldFacts, what: string, { candidates, context }: GuessOptions): ChosenField {
  const others = candidates.filter((candidate) => candidate !== facts);
  const instead = others.length === 0 ? "" : ` It may also be ${quoted(others.slice(0, 4))}.`;
  context.doubts.push(
    `No name says which field is the ${what}: "${facts.name}" is a guess from its values (${described(facts, context)}).${instead}`,
  );
  return { field: facts.name, facts, reason: `a guess from its values: ${described(facts, context)}` };
}

/** What happened, if a field says so. */
export function chooseAction({ fields }: RoleContext, taken: readonly FieldFacts[]): ChosenField | null {
  const open = fields.filter((field) => !taken.includes(field) && isWordField(field, MOST_ACTIONS));
  const isAction = (field: FieldFacts): boolean => {
    const values = [...new Set(field.values)].filter((value) => value !== null);
    return values.filter((value) => ACTION_VALUES.has(value.toLowerCase())).length >= values.length / 2;
  };
  const facts = open.find(isAction) ?? open.find((field) => isNamed(field.name, "action")) ?? null;
  return facts === null
    ? null
    : { field: facts.name, facts, reason: kinds(facts.distinct, "kind of event", "kinds of events") };
}

/** Where it happened, if a field says so. */
export function chooseSurface({ fields }: RoleContext, taken: readonly FieldFacts[]): ChosenField | null {
  const open = fields.filter(
    (field) => !taken.includes(field) && isWordField(field, MOST_SURFACES) && isNamed(field.name, "surface"),
  );
  const facts = open.find(({ name }) => /surface|placement/i.test(name)) ?? open[0] ?? null;
  return facts === null
    ? null
    : { field: facts.name, facts, reason: `named so; ${kinds(facts.distinct, "value", "values")}` };
}

function kinds(number: number, one: string, several: string): string {
  return `${count(number)} ${number === 1 ? one : several}`;
}

const PAID = ["sponsored", "promoted", "paid", "ad", "ads", "advert", "advertisement"];

/** Whether it was paid: a field whose values say so as ingest reads them, or a flag that is named so. */
export function chooseOrigin(
  { fields }: RoleContext,
  taken: readonly FieldFacts[],
): (ChosenField & OriginChoice) | null {
  const flag = fields.find(({ name, isFlag, distinct }) => isFlag && distinct === 2 && isPaid(name));
  if (flag !== undefined && !taken.includes(flag)) {
    const positive = [...new Set(flag.values)].filter((value) => value !== null && /^(1|1\.0|true)$/i.test(value));
    const ad = positive.map((value) => ({ 1: 1, "1.0": 1, true: true })[value ?? ""] ?? `${value}`);
    return { field: flag.name, facts: flag, ad, reason: "a flag that is named so" };
  }
  const facts = fields.find((field) => {
    if (taken.includes(field) || field.distinct === 0) return false;
    return field.values.every((value) => value === null || value === "ad" || value === "organic");
  });
  return facts === undefined ? null : { field: facts.name, facts, ad: null, reason: "its values are ad and organic" };
}

/** `is_sponsored` is, `ad_click` and `paid_member` are not. */
function isPaid(name: string): boolean {
  const own = ownName(name);
  return hasWord(own, PAID) && !hasTrait(own, "outcome") && wordsOf(own).length === 1;
}

function isWordField({ isNested, list, isFlag, distinct, numbers, isWhole, times }: FieldFacts, most: number): boolean {
  return (
    !isNested &&
    list === null &&
    !isFlag &&
    times === null &&
    distinct >= 1 &&
    distinct <= most &&
    (numbers === null || isWhole)
  );
}
