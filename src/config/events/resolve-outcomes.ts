import { join, show } from "../../base/check.ts";
import { parseDuration } from "../../base/units.ts";
import type { UserConfig } from "../schema.ts";
import type { ArrivalConfig, EventsConfig, OutcomeConfig, OutcomeLogConfig } from "../types.ts";
import { checkArrival, type GivenArrival, OF_LOGS } from "./check-arrival.ts";
import { OUTCOME_KINDS } from "./objective-kinds.ts";
import { OBJECTIVE_DEFAULTS } from "./outcome-schema.ts";
import { formatOfNames, invalid, type Report, resolveRows, resolveTimeField } from "./resolve-fields.ts";
import type { ScalarKind } from "./value-kinds.ts";

/** What is given of one outcome, and where it is told of it. */
interface GivenOutcome {
  readonly name: string;
  readonly path: string;
  readonly given: GivenArrival;
  readonly isObjective: boolean;
}

/** What all outcomes share. */
interface Project {
  readonly user: UserConfig;
  readonly root: string;
  readonly report: Report;
}

/** Suffixes of the names of what is kept beside an outcome with a log of its own. */
const BESIDE = { count: "Count", sum: "Value" } as const;

/** Objectives first; then the other outcomes. */
export function resolveOutcomes(user: UserConfig, root: string, report: Report): Record<string, OutcomeConfig> {
  const outcomes: GivenOutcome[] = [
    ...Object.entries(user.objectives).map(([name, given]) => {
      return { name, path: join("objectives", name), given, isObjective: true };
    }),
    ...Object.entries(user.events.outcomes ?? {}).map(([name, given]) => {
      return { name, path: join("events.outcomes", name), given, isObjective: false };
    }),
  ];
  const project = { user, root, report };
  const entries = outcomes.flatMap((outcome) => {
    const { at, log } = outcome.given;
    return at === undefined && log === undefined ? [plainOutcome(outcome, report)] : arrivingOutcomes(outcome, project);
  });
  checkBeside(entries, outcomes, report);
  return Object.fromEntries(entries);
}

function plainOutcome({ name, path, given, isObjective }: GivenOutcome, report: Report): [string, OutcomeConfig] {
  const { from = name, delay, windowOf = null, kind } = given;
  for (const key of [...OF_LOGS, "window"] as const) {
    if (given[key] === undefined) continue;
    const hint = "Name the field of its time in `at`, or its files in `log`, or remove it.";
    report(invalid(join(path, key), { expected: "an outcome with a time of its own", got: "none", hint }));
  }
  if (!isObjective && kind === undefined) {
    const hint = "Set kind to category, number or flag.";
    report(invalid(join(path, "kind"), { expected: "a kind", got: "nothing", hint }));
  }
  const delayMs = resolveDuration(delay ?? OBJECTIVE_DEFAULTS.delay, join(path, "delay"), report);
  return [name, { from, kind: kindOf({ given, isObjective }), delayMs, objective: isObjective, windowOf }];
}

function kindOf({ given: { kind }, isObjective }: Pick<GivenOutcome, "given" | "isObjective">): ScalarKind {
  if (kind === "binary" || kind === undefined)
    return isObjective ? OUTCOME_KINDS[kind ?? OBJECTIVE_DEFAULTS.kind] : "flag";
  return kind;
}

/** What is stored of an outcome with a time of its own, by its kind. */
const MEASURES: Readonly<Partial<Record<ScalarKind, ArrivalConfig["measure"]>>> = { value: "sum", count: "count" };

/** The outcome itself, and what is kept beside it. */
function arrivingOutcomes(outcome: GivenOutcome, project: Project): (readonly [string, OutcomeConfig])[] {
  const { name, path, given, isObjective } = outcome;
  const { report } = project;
  for (const problem of checkArrival(path, given, project.user)) report(problem);
  const windowMs = resolveDuration(given.window ?? "0s", join(path, "window"), report);
  const delayMs = windowMs + resolveDuration(given.delay ?? OBJECTIVE_DEFAULTS.delay, join(path, "delay"), report);
  const log = given.log === undefined ? null : resolveLog(outcome, project);
  const of = (measure: ArrivalConfig["measure"], from: string, own: Partial<OutcomeConfig>): OutcomeConfig => {
    const rest = { kind: "number", objective: false, windowOf: null } as const;
    return {
      from,
      ...rest,
      delayMs,
      ...own,
      arrival: { windowMs, log, attribution: given.attribution ?? null, measure },
    };
  };
  const time = given.at ?? log?.time.from ?? "";
  const kind = kindOf(outcome);
  const measure = MEASURES[kind] ?? "any";
  const from = measure === "sum" ? (given.value ?? "") : time;
  const windowOf = given.windowOf ?? null;
  const own = { kind: measure === "any" ? "flag" : kind, objective: isObjective, windowOf } as const;
  return [
    [name, of(measure, from, own)],
    ...(given.count === true ? ([[`${name}${BESIDE.count}`, of("count", time, {})]] as const) : []),
    ...(given.value === undefined || measure === "sum"
      ? []
      : ([[`${name}${BESIDE.sum}`, of("sum", given.value, {})]] as const)),
  ];
}

function resolveLog({ path, given }: GivenOutcome, { user, root, report }: Project): OutcomeLogConfig {
  const { log = [], id = "", time = "", user: ofUser, item = null } = given;
  const rows = resolveRows(log, root);
  const format = rows.sql === null ? formatOfNames(rows.from) : "parquet";
  if (format === null) {
    const hint = "Name files that end with .parquet, .csv, .tsv or .jsonl.";
    report(invalid(join(path, "log"), { expected: "files of one format, told by their names", got: show(log), hint }));
  }
  const { time: own } = user.events;
  const unit = typeof own === "object" ? own.unit : undefined;
  return {
    ...rows,
    partitions: given.partitions ?? OBJECTIVE_DEFAULTS.partitions,
    format: format ?? "csv",
    key: ofUser === undefined ? { id } : { user: ofUser, item },
    time: resolveTimeField(time, unit),
    value: given.value === undefined ? null : { from: given.value, kind: given.kind === "value" ? "value" : "number" },
  };
}

/** What is kept beside an outcome must not replace another of its name. */
function checkBeside(
  entries: readonly (readonly [string, OutcomeConfig])[],
  outcomes: readonly GivenOutcome[],
  report: Report,
): void {
  const given = new Map(outcomes.map(({ name, path }) => [name, path]));
  for (const [name, { arrival, objective }] of entries) {
    const path = given.get(name);
    if (path === undefined || arrival === undefined || arrival.measure === "any" || objective) continue;
    const got = `${show(name)}, which is kept beside another outcome`;
    report(invalid(path, { expected: "a name of its own", got, hint: "Rename it." }));
  }
}

function resolveDuration(value: string, path: string, report: Report): number {
  const ms = parseDuration(value);
  if (ms !== null) return ms;
  report(invalid(path, { expected: "a shorter duration", got: show(value), hint: "No date is that far away." }));
  return Number.NaN;
}

/** A window is of another objective, of one that is none itself, and known sooner. */
export function checkWindows({ outcomes }: EventsConfig, report: Report): void {
  for (const [name, { windowOf, delayMs, kind }] of Object.entries(outcomes)) {
    if (windowOf === null) continue;
    const whole = outcomes[windowOf];
    const isWhole = whole?.objective && whole.windowOf === null && whole.kind === kind;
    if (isWhole && windowOf !== name && delayMs < whole.delayMs) {
      checkValue(`objectives.${name}`, { own: outcomes[name], whole }, report);
      continue;
    }
    const longest = Object.entries(outcomes).filter(
      ([, o]) => o.objective && o.windowOf === null && o.kind === kind && o.delayMs > delayMs,
    );
    report(
      invalid(`objectives.${name}.windowOf`, {
        expected: "an objective of its kind with a longer delay that is no window itself",
        got: show(windowOf),
        hint: `There ${longest.length === 0 ? "is none" : `are ${longest.map(([other]) => other).join(", ")}`}.`,
      }),
    );
  }
}

/**
 * Rows of a log that differ in their value are two outcomes, and one with a bad value is none: a window that reads another
 * value than its whole would count other rows, and could be positive where the whole is not.
 */
function checkValue(
  path: string,
  { own, whole }: { readonly own: OutcomeConfig | undefined; readonly whole: OutcomeConfig },
  report: Report,
): void {
  const [log, wholeLog] = [own?.arrival?.log ?? null, whole.arrival?.log ?? null];
  if (log === null || wholeLog === null || log.value?.from === wholeLog.value?.from) return;
  const told = wholeLog.value === null ? "no value" : `the value ${show(wholeLog.value.from)}`;
  const hint = wholeLog.value === null ? "Remove it, or name it in both." : `Set value: "${wholeLog.value.from}".`;
  const got = log.value === null ? "nothing" : show(log.value.from);
  report(
    invalid(`${path}.value`, { expected: `${told}, as its whole reads: rows that differ in it are two`, got, hint }),
  );
}
