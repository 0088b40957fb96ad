import { constancy, isRenamed, tells, toldEntropy } from "../compare.ts";
import type { FieldFacts } from "../facts.ts";
import type { Choice, FactChoice } from "../proposal.ts";
import { hasTrait, hasWord } from "../words.ts";
import type { Flags } from "./labels.ts";
import type { FieldList } from "./lists.ts";
import type { Repetition } from "./roles.ts";
import { type ChosenTime, otherTimeReason } from "./times.ts";

/** Share of distinct values from which hardly any comes back. */
const HARDLY_BACK = 0.5;
/** Rows that tell whether values come back. */
const FEWEST_ROWS = 50;
/** Whole numbers with as few values are categories. */
const FEW_VALUES = 20;
/** Text that is longer is read, not compared. @unit characters */
const LONG_TEXT = 60;
/** NE of a label given an attribute alone, at or below which a reader should check it. */
const STRONG_NE = 0.9;
/** Share of the texts in brackets from which a field is a list. */
const LISTED = 0.9;
/** Constancy of a fact of the item. */
const OF_ITEM = 0.95;
const LEAST_ID = 10_000;
const MOST_ID_RATIO = 20;

/** What the other fields are decided with. */
export interface AttributeContext {
  readonly fields: readonly FieldFacts[];
  readonly repetition: Repetition;
  /** Fields that are something else already. */
  readonly used: readonly FieldFacts[];
  readonly flags: Flags;
  readonly user: FieldFacts | null;
  /** Null if the log names none. */
  readonly item: FieldFacts | null;
  readonly time: ChosenTime | null;
}

/** A field before it has a name in the configuration. */
type Fact = Omit<FactChoice, "name">;

/** What is read of an item, what becomes known later, and what is left out. */
export interface ChosenFacts {
  readonly attributes: readonly Fact[];
  readonly outcomes: readonly Fact[];
  readonly unmapped: readonly Choice[];
  readonly doubts: readonly string[];
}

type Verdict =
  | { readonly kind: "attribute" | "outcome"; readonly fact: Fact; readonly isDoubtful?: boolean }
  | { readonly kind: "unmapped"; readonly choice: Choice };

/** Decides what each field is that is no key, time or label. What may be known only later is never an attribute. */
export function chooseAttributes(context: AttributeContext): ChosenFacts {
  const open = context.fields.filter(
    (field) => !context.used.includes(field) && !context.flags.objectives.includes(field),
  );
  const verdicts = open.map((field) => verdictOf(field, context));
  const facts = (kind: "attribute" | "outcome"): readonly Fact[] =>
    verdicts.flatMap((verdict) => (verdict.kind === kind ? [verdict.fact] : []));
  const doubtful = verdicts.flatMap((verdict) =>
    verdict.kind === "outcome" && verdict.isDoubtful ? [`"${verdict.fact.field}"`] : [],
  );
  const doubt = `${doubtful.join(", ")} ${doubtful.length === 1 ? "is" : "are"} named like something known only later: mapped under outcomes. If known when the item is shown, move to attributes.`;
  return {
    attributes: facts("attribute"),
    outcomes: facts("outcome"),
    unmapped: verdicts.flatMap((verdict) => (verdict.kind === "unmapped" ? [verdict.choice] : [])),
    doubts: [...(doubtful.length === 0 ? [] : [doubt]), ...strongDoubts(facts("attribute"), context)],
  };
}

/** Attributes that say more of a label than most that are known beforehand do. */
function strongDoubts(attributes: readonly Fact[], { fields, flags }: AttributeContext): readonly string[] {
  return attributes.flatMap(({ field }) => {
    const facts = fields.find((each) => each.name === field);
    if (facts === undefined) return [];
    const entropies = flags.objectives.map((label) => ({ label: label.name, entropy: toldEntropy(facts, label) ?? 1 }));
    const [strongest] = entropies.sort((a, b) => a.entropy - b.entropy);
    if (strongest === undefined || strongest.entropy > STRONG_NE) return [];
    const { label, entropy } = strongest;
    return [
      `"${field}" alone predicts "${label}" with NE ${entropy.toFixed(2)}: check that it is known when the item is shown.`,
    ];
  });
}

function verdictOf(field: FieldFacts, context: AttributeContext): Verdict {
  const useless = uselessReason(field, context);
  if (useless !== null) return { kind: "unmapped", choice: { field: field.name, reason: useless } };
  if (field.list !== null) return verdictOfList(field, field.list);
  const fact = (reason: string): Fact => ({ field: field.name, kind: kindOf(field), reason });
  if (context.flags.outcomes.includes(field))
    return { kind: "outcome", fact: fact("0 or 1, and may be known only later") };
  const objective = context.flags.objectives.find((label) => tells(field, label));
  if (objective !== undefined)
    return { kind: "outcome", fact: fact(`it tells "${objective.name}": known only when that is`) };
  if (context.flags.attributes.includes(field)) return { kind: "attribute", fact: fact("0 or 1, known before") };
  if (hasTrait(field.name, "outcome")) {
    return { kind: "outcome", fact: fact("named like something known only later"), isDoubtful: true };
  }
  // A length or a time is the item's, or how long somebody looked at it.
  const isMeasured = field.numbers !== null && hasTrait(field.name, "either");
  const { item } = context;
  if (isMeasured && (item === null || (constancy(field, item) ?? 0) < OF_ITEM)) {
    const reason = item === null ? "it may be known only later" : "it differs between events of one item";
    return { kind: "outcome", fact: fact(reason), isDoubtful: true };
  }
  return {
    kind: "attribute",
    fact: fact(field.distinct === 1 ? "1 value" : `${field.distinct.toLocaleString("en")} values`),
  };
}

/** Lists are facts of the item: outcomes are single values. */
function verdictOfList({ name: field }: FieldFacts, list: FieldList): Verdict {
  if (hasTrait(field, "outcome"))
    return { kind: "unmapped", choice: { field, reason: "a list, and named like something known only later" } };
  if (list.kind === "vector") {
    return { kind: "attribute", fact: { field, ...list, reason: `vectors of ${list.dim} numbers` } };
  }
  const { kind, delimiter } = list;
  const text = delimiter === null ? "" : ` with ${JSON.stringify(delimiter)} between them`;
  return {
    kind: "attribute",
    fact: { field, kind, ...(delimiter !== null && { delimiter }), reason: `lists of ids${text}` },
  };
}

/** Why a field is of no use; null if it may be. */
function uselessReason(field: FieldFacts, context: AttributeContext): string | null {
  const { name, distinct, missing } = field;
  if (field.isNested && field.list === null) return "nested: a list or an object";
  if (distinct === 0) return "it never has a value";
  if (distinct === 1 && missing === 0) return "it has one value alone";
  if (field.times !== null) return otherTimeReason(field, context.time, context.item);
  if (field.isCalendarDay || hasWord(name, ["hourmin", "hhmm", "yyyymmdd"])) return "a day or hour: the time says it";
  if (countsRows(field, context)) return "it counts the rows";
  if (hasTrait(name, "predicted")) return "what a model or an aggregate said of the event may know what came of it";
  return kindOf(field) === "category" ? uselessCategory(field, context) : null;
}

/** What data frames write beside their columns: the number of each row, by its values, or by its name where files start anew. */
function countsRows(
  { name, isWhole, numbers, distinct, values }: FieldFacts,
  { repetition }: AttributeContext,
): boolean {
  if (!isWhole || numbers === null) return false;
  if (/^(Unnamed: \d+|__index_level_\d+__)$/.test(name)) return true;
  const isEachOnce = values.length >= FEWEST_ROWS && distinct === values.length;
  return isEachOnce && numbers.every((x) => x >= 0 && x <= repetition.rows);
}

function uselessCategory(field: FieldFacts, { repetition, user, item }: AttributeContext): string | null {
  const { distinct, missing, values, numbers } = field;
  const renamed = [user, item].find((id) => id !== null && isRenamed(field, id));
  const listed = values.filter((value) => value !== null && /^\s*\[.*\]\s*$/s.test(value)).length;
  if (listed > LISTED * (1 - missing) * values.length)
    return "a list that is not written as JSON: write it so, or its ids with | between them";
  if (renamed) return `it repeats "${renamed.name}"`;
  const present = (1 - missing) * repetition.rows;
  if (values.length >= FEWEST_ROWS && repetition.distinctOf(field) > HARDLY_BACK * present)
    return "hardly any value comes back";
  const isText = numbers === null && (field.meanLength > LONG_TEXT || field.hasBlanks) && distinct > FEW_VALUES;
  return isText ? "text to be read" : null;
}

function kindOf(field: FieldFacts): Fact["kind"] {
  const { name, numbers, isWhole, isFlag, distinct, list } = field;
  if (list !== null) return list.kind;
  if (isFlag) return "flag";
  if (numbers === null) return "category";
  if (!isWhole) return "number";
  if (hasTrait(name, "id")) return "category";
  if (hasTrait(name, "group") && !hasTrait(name, "measure")) return "category";
  if (hasTrait(name, "measure") || hasTrait(name, "outcome")) return "number";
  if (distinct <= FEW_VALUES) return "category";
  const present = numbers.filter((x) => !Number.isNaN(x)).sort();
  const [low = 0, high = 0] = [
    present[Math.floor(0.01 * present.length)],
    present[Math.floor(0.99 * (present.length - 1))],
  ];
  return low >= LEAST_ID && high / low <= MOST_ID_RATIO ? "category" : "number";
}
