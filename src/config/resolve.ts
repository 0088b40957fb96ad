import { dirname, resolve as resolvePath } from "node:path";
import { check, isPlainObject, type Problem, type Schema } from "../base/check.ts";
import { LapidaryError } from "../base/errors.ts";
import { resolveCounters } from "./counters/resolve-counters.ts";
import { fillIn } from "./defaults.ts";
import { EVALUATION_SCHEMA } from "./evaluation.ts";
import { resolveEvents } from "./events/resolve-events.ts";
import { resolveNegatives } from "./events/resolve-negatives.ts";
import { foldOf, resolveSplit } from "./events/resolve-split.ts";
import { resolveModels, resolveTeaching } from "./model/resolve-models.ts";
import type { ProjectConfig } from "./project.ts";
import { CONFIG_SCHEMA, FOLDERS_SCHEMA, type UserConfig } from "./schema.ts";
import { resolveStudies } from "./study/resolve-studies.ts";
import { resolveWorld } from "./world/resolve-world.ts";

/**
 * The configuration checked, with every default filled in, every path absolute and every duration in milliseconds;
 * deeply frozen. Equal input gives equal output, whatever the file's format.
 *
 * @throws {LapidaryError} CONFIG_INVALID or CONFIG_UNKNOWN_KEY, naming all problems at once
 */
export function resolveConfig(value: unknown, file: string): ProjectConfig {
  const problems = check(CONFIG_SCHEMA as unknown as Schema, value);
  if (problems.length > 0) throw configError(problems, file);
  // The schema was just checked, and the type is derived from the same schema.
  const user = withoutUndefined(value) as UserConfig;
  const found: Problem[] = [];
  const report = (problem: Problem) => found.push(problem);
  const root = dirname(resolvePath(file));
  const events = { ...resolveEvents(user, root, report), ...foldOf(user.split, root) };
  const config: ProjectConfig = {
    root,
    about: user.about ?? null,
    ...foldersOf(user, root),
    events,
    split: resolveSplit(user, report),
    losses: lossesOf(user),
    negatives: resolveNegatives(user, report),
    counters: resolveCounters(user, events, report),
    evaluation: fillIn(EVALUATION_SCHEMA, user.evaluation ?? {}),
    models: resolveModels(user, report),
    teaching: resolveTeaching(user),
    world: user.world === undefined ? null : resolveWorld(user.world, root, report),
    studies: resolveStudies(user, report),
  };
  if (found.length > 0) throw configError(found, file);
  return deepFreeze(config);
}

function foldersOf(user: UserConfig, root: string): Pick<ProjectConfig, "store" | "runs" | "knowledge" | "bundles"> {
  const { store, runs, knowledge, bundles } = fillIn(FOLDERS_SCHEMA, user);
  const at = (path: string): string => resolvePath(root, path);
  return { store: at(store), runs: at(runs), knowledge: at(knowledge), bundles: at(bundles) };
}

function lossesOf({ objectives }: UserConfig): ProjectConfig["losses"] {
  const own = Object.entries(objectives).flatMap(([name, { loss }]) =>
    loss === undefined ? [] : [[name, loss] as const],
  );
  return Object.fromEntries(own);
}

/** One error for all problems: the first one's facts, the others in the hint. */
function configError(problems: readonly Problem[], file: string): LapidaryError {
  const [first, ...others] = problems;
  if (!first)
    throw new LapidaryError({
      code: "INTERNAL",
      where: "resolveConfig",
      expected: "a problem",
      got: "none",
      hint: "Report this.",
    });
  const rest = others.slice(0, MAX_LISTED).map((p) => `\n  ${p.path}: expected ${p.expected}, got ${p.got}. ${p.hint}`);
  const more = others.length > MAX_LISTED ? `\n  and ${others.length - MAX_LISTED} more` : "";
  const where = first.path === "" ? file : `${file}: ${first.path}`;
  return new LapidaryError({
    code: first.code,
    where,
    expected: first.expected,
    got: first.got,
    hint: others.length === 0 ? first.hint : `${first.hint} Also:${rest.join("")}${more}`,
  });
}

/** More problems than this are one mistake repeated. */
const MAX_LISTED = 20;

/** A key written as undefined must not override a default. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (!isPlainObject(value)) return value;
  const present = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(present.map(([key, member]) => [key, withoutUndefined(member)]));
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
