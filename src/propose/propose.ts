import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import type { SqlSource } from "../config/types.ts";
import { positiveShare, tells } from "./compare.ts";
import { type FieldFacts, factsOf } from "./facts.ts";
import { FactNames } from "./names.ts";
import type { Choice, FactChoice, ObjectiveChoice, OriginChoice, Proposal } from "./proposal.ts";
import { type ArrivalSources, type TimedOutcome, timedOutcomes } from "./proposals/arrivals.ts";
import { chooseAttributes } from "./proposals/attributes.ts";
import { type DelaySources, measuredDelay } from "./proposals/delays.ts";
import { MOST_OBJECTIVES, sortFlags } from "./proposals/labels.ts";
import { eachRow, type Positives, positivesOf } from "./proposals/positives.ts";
import {
  type ChosenField,
  canBeId,
  chooseAction,
  chooseEventId,
  chooseOrigin,
  chooseSurface,
  chooseUserAndItem,
  type Repetition,
} from "./proposals/roles.ts";
import { delaysFor, splitOf, timeRange } from "./proposals/split.ts";
import { type ChosenTime, chooseTime } from "./proposals/times.ts";
import { Log, type Sample } from "./sample.ts";
import { hasTrait } from "./words.ts";

/** Rows up to which distinct values are counted exactly. */
const MOST_COUNTED = 5_000_000;
/** Share of an estimate from which a field whose sample never repeats is different in every row. */
const UNIQUE_ESTIMATE = 0.94;

/**
 * Looks at files, or at the rows of a query, and proposes what their fields are.
 *
 * @throws {LapidaryError} EVENTS_NOT_FOUND, EVENTS_UNREADABLE, EVENTS_QUERY, EVENTS_EMPTY; INIT_FIELDS if no field can be a label, or the files are of several logs
 */
export async function propose(
  from: readonly string[] | SqlSource,
): Promise<{ readonly proposal: Proposal; readonly files: readonly string[] }> {
  if (!("query" in from)) return lookAt(await Log.open(from));
  const rows = mkdtempSync(join(tmpdir(), "lapidary-init-"));
  try {
    return await lookAt(await Log.ofQuery(from, rows));
  } finally {
    rmSync(rows, { recursive: true, force: true });
  }
}

async function lookAt(log: Log) {
  try {
    return { proposal: await proposeFor(log, await log.sample()), files: log.files };
  } finally {
    log.close();
  }
}

async function proposeFor(log: Log, sample: Sample): Promise<Proposal> {
  const doubts: string[] = [];
  const fields = sample.fields.map(factsOf);
  const time = chooseTime(fields, doubts);
  const range = time === null ? null : await timeRange(log, time);
  const repetition = await countDistinct(log, fields, sample.numRows);
  const context = { fields, repetition, times: time?.times.ms ?? null, doubts };
  const id = chooseEventId(context);
  const taken = [id?.facts, time?.facts].filter((facts) => facts !== undefined);
  const { user, item } = chooseUserAndItem(context, taken);
  const ids = [user?.facts, item?.facts].filter((facts) => facts !== undefined);
  const places = placesOf(context, [...taken, ...ids]);
  const spanMs = range === null ? 0 : range.lastMs - range.firstMs;
  const itemFacts = item?.facts ?? null;
  const labels = labelsOf({ fields, time, spanMs, item: itemFacts, used: [...taken, ...ids] }, ids);
  if (labels === null) throw lacking(log, "label", fields);
  const { flags, timed, positives } = labels;
  // Negatives are other items.
  if (item === null && positives !== null) throw lacking(log, "item", fields);
  const known = knownBefore(places, { labels: flags.objectives, doubts });
  const used = [...taken, ...ids, ...[...known, ...timed].map(({ facts }) => facts)];
  const facts = chooseAttributes({ ...context, used, flags, item: itemFacts, user: user?.facts ?? null, time });
  const split = splitOf(range);
  const delays = delaysFor(range);
  doubts.push(...itemDoubts(item), ...historyDoubts({ user, time, split }));
  const named = namedFacts(facts, { ...labels, time, delays, sources: { fields, time, spanMs } });
  const role = (name: Place["role"]): Place | null => known.find((place) => place.role === name) ?? null;
  const origin = role("origin");
  return {
    format: log.format,
    namesFormat: log.namesFormat,
    delimiter: sample.delimiter,
    hasDecimalComma: sample.hasDecimalComma,
    numFiles: log.files.length,
    numRows: repetition.rows,
    sampledRows: sample.numRows,
    ...{ id, user, item, time },
    ...{ action: role("action"), surface: role("surface"), origin: origin && { ...origin, ad: origin.ad ?? null } },
    ...named,
    ...{ split, delays, unmapped: facts.unmapped, negatives: positives?.reason ?? null },
    doubts: [
      ...(positives === null ? [] : [`${positives.reason}. Are there none in the log?`]),
      ...doubts,
      ...facts.doubts,
      ...labelDoubts(flags),
      ...(time === null ? [] : delayDoubts(delays, named)),
    ],
  };
}

/** What a model can learn of a log. */
interface Labels {
  readonly flags: ReturnType<typeof sortFlags>;
  readonly timed: readonly TimedOutcome[];
  /** Only where the log has positives alone. */
  readonly positives: Positives | null;
}

/** Flags, times of outcomes, or that the log holds positives alone; null if it has none of these. */
function labelsOf(sources: ArrivalSources, ids: readonly FieldFacts[]): Labels | null {
  const { fields, used, time } = sources;
  const flags = sortFlags(openFlags(fields, used), ids);
  // Of a flag and its time, the flag is the label.
  const timedFields = flags.objectives.flatMap((label) => measuredDelay(label, sources)?.field ?? []);
  const found = timedOutcomes(sources).filter(({ field }) => !timedFields.includes(field));
  const timed = found.slice(0, Math.max(0, MOST_OBJECTIVES - flags.objectives.length));
  if (flags.objectives.length + timed.length > 0) return { flags, timed, positives: null };
  const positives = positivesOf(fields, time);
  return positives && { flags: { ...flags, objectives: positives.flags }, timed, positives };
}

/** A plain table of hashed fields names no item: its attributes say all. */
function itemDoubts(item: Choice | null): readonly string[] {
  return item === null
    ? ["No field is an item (an id that comes back): all rows have one. Name it, if there is one: events.item."]
    : [];
}

/** What a log without users, times or several times cannot have. */
function historyDoubts({ user, time, split }: Pick<Proposal, "user" | "time" | "split">): readonly string[] {
  const missing = [user === null ? "users" : null, time === null ? "times" : null].filter((text) => text !== null);
  if (missing.length > 0)
    return [
      `No field has ${missing.join(" or ")}: models read no histories. Name it, if there is one: events.${missing.map((what) => what.slice(0, -1)).join(", events.")}.`,
    ];
  return split === null
    ? ["All events are at one time: the split is random, and no event is in another's history."]
    : [];
}

/** Fields of the log that are 0 and 1 and no key. */
function openFlags(fields: readonly FieldFacts[], taken: readonly FieldFacts[]): readonly FieldFacts[] {
  return fields.filter((field) => field.isFlag && field.distinct === 2 && !field.isNested && !taken.includes(field));
}

interface Place extends ChosenField {
  readonly role: "action" | "surface" | "origin";
  /** Of an origin alone. */
  readonly ad?: OriginChoice["ad"];
}

function placesOf(context: Parameters<typeof chooseAction>[0], taken: readonly FieldFacts[]): readonly Place[] {
  const found: Place[] = [];
  const open = (): readonly FieldFacts[] => [...taken, ...found.map(({ facts }) => facts)];
  const origin = chooseOrigin(context, open());
  if (origin !== null) found.push({ ...origin, role: "origin" });
  const action = chooseAction(context, open());
  if (action !== null) found.push({ ...action, role: "action" });
  const surface = chooseSurface(context, open());
  if (surface !== null) found.push({ ...surface, role: "surface" });
  return found;
}

/** What is known of an event before its labels: an action `click` would tell the label of a click. */
function knownBefore(
  places: readonly Place[],
  { labels, doubts }: { readonly labels: readonly FieldFacts[]; readonly doubts: string[] },
): readonly Place[] {
  return places.filter(({ facts, role }) => {
    const label = labels.find((label) => tells(facts, label));
    if (label === undefined) return true;
    doubts.push(`"${facts.name}" could be the ${role}, but tells "${label.name}": it is not mapped so.`);
    return false;
  });
}

/** Distinct values over the whole log of the fields that may be ids. */
async function countDistinct(log: Log, fields: readonly FieldFacts[], sampledRows: number): Promise<Repetition> {
  const [counted] = await log.aggregate(["count(*)"]);
  const rows = Number(counted);
  const candidates = fields.filter((field) => canBeId(field) && field.distinct > 1);
  const isExact = rows <= MOST_COUNTED;
  const distinct = new Map<FieldFacts, number>();
  if (rows > sampledRows && candidates.length > 0) {
    const counts = candidates.map(({ name }) =>
      isExact ? `count(DISTINCT ${log.raw(name)})` : `approx_count_distinct(${log.raw(name)})`,
    );
    const found = await log.aggregate(counts);
    for (const [i, field] of candidates.entries()) {
      const estimate = Number(found[i]);
      const isUnique = !isExact && field.distinct === sampledRows && estimate > UNIQUE_ESTIMATE * rows;
      distinct.set(field, isUnique ? rows : Math.min(rows, estimate));
    }
  }
  return { rows, distinctOf: (field) => distinct.get(field) ?? field.distinct };
}

/** What the name of a time has besides what happened then. */
const TIME_WORDS = /(?<=.)([_ -]?(time|timestamp|datetime|date|ts|dt|at|utc|ms))+$/i;

interface NamingOptions extends Labels {
  readonly time: ChosenTime | null;
  readonly delays: Proposal["delays"];
  readonly sources: DelaySources;
}

/** Facts with their names in the configuration; objectives come first, for theirs are the ones that people type. */
function namedFacts(facts: ReturnType<typeof chooseAttributes>, options: NamingOptions) {
  const { flags, timed, positives, time, delays, sources } = options;
  const names = new FactNames();
  const flagged = flags.objectives.map((label): ObjectiveChoice => {
    const { name: field } = label;
    const measured = measuredDelay(label, sources);
    const share = `positive in ${Number((100 * positiveShare(label)).toPrecision(3))}% of the rows`;
    const delay = measured?.delay ?? (hasTrait(field, "late") ? delays.late : delays.soon);
    const reason = measured === null ? share : `${share}; ${measured.reason}`;
    const name = names.ofOutcome(field);
    return { field, name, kind: "flag", reason, delay, isTimed: false, isMeasured: measured !== null };
  });
  const arriving = timed.map(({ field, delay, reason }): ObjectiveChoice => {
    const name = names.ofOutcome(field.replace(TIME_WORDS, ""));
    return { field, name, kind: "flag", reason, delay, isTimed: true, isMeasured: true };
  });
  const rows = positives?.flags.length === 0 && time !== null ? [eachRow(time)] : [];
  const objectives = [...flagged, ...arriving, ...rows];
  const named = (choice: Omit<FactChoice, "name">): FactChoice => ({
    ...choice,
    name: names.of(choice.field, choice.kind),
  });
  return { objectives, attributes: facts.attributes.map(named), outcomes: facts.outcomes.map(named) };
}

function labelDoubts({ objectives, unsure, outcomes }: ReturnType<typeof sortFlags>): readonly string[] {
  const list = (some: readonly FieldFacts[]): string => some.map(({ name }) => `"${name}"`).join(", ");
  const guessed = objectives.filter((field) => unsure.includes(field));
  const put = outcomes.filter((field) => unsure.includes(field));
  const more = outcomes.filter((field) => hasTrait(field.name, "outcome"));
  return [
    ...(guessed.length > 0
      ? [`No name says which field is a label: ${list(guessed)} is a guess, being 0 or 1 and rarely 1.`]
      : []),
    ...(put.length > 0
      ? [
          `${list(put)} may be known only later: mapped under outcomes. If known when the item is shown, move to attributes.`,
        ]
      : []),
    ...(more.length > 0 ? [`${list(more)} could be predicted too: move what you want to objectives.`] : []),
  ];
}

function delayDoubts(
  { soon, late }: Proposal["delays"],
  { objectives, outcomes }: Pick<Proposal, "objectives" | "outcomes">,
): readonly string[] {
  if (outcomes.length === 0 && objectives.every(({ isMeasured }) => isMeasured)) return [];
  const delays = soon === late ? soon : `${soon}, and ${late} for what is bought or installed`;
  const measured = objectives.filter(({ isMeasured }) => isMeasured).map(({ field }) => `"${field}"`);
  const rest = measured.length === 0 ? "outcomes" : `outcomes but ${measured.join(", ")}`;
  return [`The log does not say when ${rest} became known: a delay of ${delays} is assumed. Set the true ones.`];
}

function lacking(log: Log, role: keyof typeof NEEDS, fields: readonly FieldFacts[]): LapidaryError {
  return new LapidaryError({
    code: "INIT_FIELDS",
    where: log.files[0] ?? "",
    expected: `fields that can be ${NEEDS[role]}`,
    got: `the fields ${fields.map(({ name }) => name).join(", ")}`,
    hint: "Name files that have them, or run `lapidary init DIR` and write the mapping into its configuration.",
  });
}

/** What each role needs, as errors say it. */
const NEEDS = {
  item: "an item (an id that comes back)",
  label:
    "a label (0 and 1, or true and false, with both among the rows; or when it happened, empty where it did not; or a time, for rows that are all positives)",
} as const;
