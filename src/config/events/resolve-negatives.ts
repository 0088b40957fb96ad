import { join, type Problem, show } from "../../base/check.ts";
import { parseDuration } from "../../base/units.ts";
import { fillIn } from "../defaults.ts";
import { techniqueOf } from "../model/resolve-models.ts";
import type { TransferTechnique } from "../model/transfer.ts";
import type { UserConfig } from "../schema.ts";
import type { NegativesConfig } from "../types.ts";
import { NEGATIVES_SCHEMA } from "./negatives-schema.ts";

type Report = (problem: Problem) => void;
type UserNegatives = NonNullable<UserConfig["negatives"]>;

/** Techniques that need no score of the teacher for each example that is learned from. */
const WITHOUT_SCORES: readonly TransferTechnique[] = ["none", "representations"];

/** How negatives are drawn, every default filled in; null if the user wants none. */
export function resolveNegatives(user: UserConfig, report: Report): NegativesConfig | null {
  const { negatives } = user;
  if (negatives === undefined) return null;
  const { perPositive, from } = fillIn(NEGATIVES_SCHEMA, negatives);
  if (user.events.time === undefined) report(timeless());
  if (typeof user.events.item !== "string" && "value" in user.events.item) report(itemless());
  if (Object.values(user.objectives).every(({ kind }) => kind === "value" || kind === "count")) report(classless());
  if (negatives.window !== undefined && from !== "popular") report(windowless(from));
  for (const problem of teacherProblems(user)) report(problem);
  return { perPositive, from, windowMs: windowOf(negatives, report) };
}

function windowOf({ window }: UserNegatives, report: Report): number | null {
  if (window === undefined) return null;
  const ms = parseDuration(window);
  if (ms !== null && ms > 0) return ms;
  const hint = "Leave it out to count all events before an example.";
  report({ code: "CONFIG_INVALID", path: "negatives.window", expected: "a duration above 0", got: show(window), hint });
  return null;
}

function timeless(): Problem {
  return {
    code: "CONFIG_INVALID",
    path: "negatives",
    expected: "nothing, because events.time is absent: no item was seen before another",
    got: "negatives",
    hint: "Name the field of the time in events.time, or give the log negatives of its own.",
  };
}

function itemless(): Problem {
  return {
    code: "CONFIG_INVALID",
    path: "negatives",
    expected: "nothing, because events.item is one constant: there is no other item to draw",
    got: "negatives",
    hint: "Name the field of the item in events.item, or give the log negatives of its own.",
  };
}

/** Of what was not shown nobody knows an amount: a candidate has labels of yes or no alone. */
function classless(): Problem {
  return {
    code: "CONFIG_INVALID",
    path: "negatives",
    expected: "an objective of kind binary, which candidates are negatives of",
    got: "amounts and counts alone",
    hint: "Remove it, or add such an objective.",
  };
}

function windowless(from: string): Problem {
  const hint = 'Leave it out, or draw from "popular".';
  const expected = `nothing: only "popular" has a window`;
  return { code: "CONFIG_INVALID", path: "negatives.window", expected, got: `one of ${show(from)}`, hint };
}

/** A teacher scores what the log holds: what it says of positives alone would teach that everything is one. */
function teacherProblems({ models }: UserConfig): readonly Problem[] {
  return Object.entries(models).flatMap(([name, model]): Problem[] => {
    const technique = techniqueOf(model);
    if (WITHOUT_SCORES.includes(technique)) return [];
    const expected = `one of ${WITHOUT_SCORES.map(show).join(", ")}: a teacher does not score drawn candidates`;
    const hint = "Take another technique, or give the log negatives of its own.";
    const path = join(join(join("models", name), "transfer"), "technique");
    return [{ code: "CONFIG_INVALID", path, expected, got: show(technique), hint }];
  });
}
