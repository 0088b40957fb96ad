/** Whether what a user gives of an outcome with a time of its own fits together. */
import { join, type Problem, show } from "../../base/check.ts";
import type { UserConfig } from "../schema.ts";
import { ATTRIBUTIONS } from "../types.ts";
import { invalid } from "./resolve-fields.ts";

/** What may be given of an outcome, of an objective or not. */
export type GivenArrival = Omit<GivenObjective, "kind"> &
  Omit<GivenOutcome, "kind"> & { readonly kind?: GivenObjective["kind"] | GivenOutcome["kind"] };
type GivenObjective = UserConfig["objectives"][string];
type GivenOutcome = NonNullable<UserConfig["events"]["outcomes"]>[string];

/** Keys that only outcomes with a log of their own have. */
export const OF_LOGS = ["partitions", "id", "user", "item", "attribution", "time", "value", "count"] as const;

/** One rule: a key is wrong if it says so. */
interface Rule {
  readonly key: keyof GivenArrival;
  readonly isBroken: boolean;
  readonly expected: string;
  readonly hint: string;
}

/** What is wrong with an outcome that has `at` or `log`. */
export function checkArrival(path: string, given: GivenArrival, user: UserConfig): readonly Problem[] {
  const rules = [...ownRules(given, user), ...(given.log === undefined ? rowRules(given) : logRules(given, user))];
  const broken = rules.filter(({ isBroken }) => isBroken);
  return broken.map(({ key, expected, hint }) => {
    const got = given[key] === undefined ? "nothing" : show(given[key]);
    return invalid(join(path, key), { expected, got, hint });
  });
}

function ownRules({ at, log, window, from, kind = "flag" }: GivenArrival, { events }: UserConfig): readonly Rule[] {
  const key = log === undefined ? "at" : "log";
  const isBoth = at !== undefined && log !== undefined;
  const isOpen = window === undefined;
  const isAmount = kind === "value" || kind === "count";
  const isOther = kind !== "flag" && kind !== "binary" && !(isAmount && log !== undefined);
  const beside = "Remove it; `value` and `count` keep numbers beside it.";
  return [
    { key: "log", isBroken: isBoth, expected: "one of `at` and `log`", hint: "Remove one of the two." },
    { key: "window", isBroken: isOpen, expected: "a time after which it does not count", hint: 'Set it: "7d", say.' },
    { key: "from", isBroken: from !== undefined, expected: "no field besides its time", hint: "Remove it." },
    {
      key: "kind",
      isBroken: isOther,
      expected: isAmount ? "a log of its own, which tells it" : "flag: whether it happened",
      hint: beside,
    },
    { key, isBroken: events.time === undefined, expected: "events with times", hint: "Map events.time." },
  ];
}

function rowRules(given: GivenArrival): readonly Rule[] {
  const hint = "Name its files in `log`, or remove it.";
  return OF_LOGS.map((key) => ({ key, isBroken: given[key] !== undefined, expected: "a log of its own", hint }));
}

function logRules(given: GivenArrival, user: UserConfig): readonly Rule[] {
  const time: Rule = {
    key: "time",
    isBroken: given.time === undefined,
    expected: "a field of its log",
    hint: "Name it.",
  };
  return [
    time,
    ...amountRules(given),
    ...(given.user === undefined ? eventRules(given, user) : userRules(given, user)),
  ];
}

/** Of what an objective of kind `value` or `count` reads of its log. */
function amountRules({ kind, value, count }: GivenArrival): readonly Rule[] {
  const isUnnamed = kind === "value" && value === undefined;
  const isTwice = kind === "count" && count === true;
  return [
    { key: "value", isBroken: isUnnamed, expected: "a field of its log, whose sum it is", hint: "Name it." },
    { key: "count", isBroken: isTwice, expected: "nothing: the objective is the count", hint: "Remove it." },
  ];
}

/** Of a log that names events. */
function eventRules(given: GivenArrival, { events }: UserConfig): readonly Rule[] {
  const byUsers = { expected: "a log that names users", hint: "Name its field in `user`, or remove it." };
  const named = "events with ids, which its rows name";
  return [
    {
      key: "id",
      isBroken: given.id === undefined,
      expected: "a field of its log",
      hint: "Name it, or that of the user.",
    },
    { key: "item", isBroken: given.item !== undefined, ...byUsers },
    { key: "attribution", isBroken: given.attribution !== undefined, ...byUsers },
    { key: "log", isBroken: events.id === undefined, expected: named, hint: "Map events.id." },
  ];
}

/** Of a log that names users. */
function userRules({ id, attribution }: GivenArrival, user: UserConfig): readonly Rule[] {
  const isClick = attribution?.endsWith("Click") === true;
  const ways = `Set it to one of ${ATTRIBUTIONS.join(", ")}.`;
  const clicks = "an outcome `click`, a flag of the event's row";
  const without = "Map it, or attribute to views.";
  return [
    { key: "id", isBroken: id !== undefined, expected: "one of `id` and `user`", hint: "Remove one of the two." },
    { key: "user", isBroken: user.events.user === undefined, expected: "events with users", hint: "Map events.user." },
    { key: "attribution", isBroken: attribution === undefined, expected: "a way to find its event", hint: ways },
    { key: "attribution", isBroken: isClick && !hasClicks(user), expected: clicks, hint: without },
  ];
}

function hasClicks({ objectives, events }: UserConfig): boolean {
  const click: Partial<GivenArrival> | undefined = objectives["click"] ?? events.outcomes?.["click"];
  if (click === undefined || click.at !== undefined || click.log !== undefined) return false;
  return (
    (Object.hasOwn(objectives, "click") && click.kind !== "value" && click.kind !== "count") || click.kind === "flag"
  );
}
