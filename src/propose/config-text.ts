import { readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { NEGATIVES_DEFAULTS } from "../config/events/negatives-schema.ts";
import { LIST_DELIMITER } from "../config/events/value-kinds.ts";
import type { Choice, FactChoice, OriginChoice, Proposal } from "./proposal.ts";
import { hasTrait } from "./words.ts";

/** As wide as people set their editors. @unit characters */
const WIDTH = 120;
/** Folders that a relative path may go up; from there on it says less than an absolute one. */
const MOST_UP = 2;
/** Rows up to which models are tiny and small. */
const TINY_ROWS = 20_000;
const SMALL_ROWS = 5_000_000;
/** Files that are listed; more of one folder are named by a pattern, if it names no others. */
const MOST_LISTED = 3;

/** What the text of a configuration is made from. */
export interface ConfigTextOptions {
  /** Folder of the configuration, absolute. */
  readonly folder: string;
  /** Files and globs, as the user wrote them. */
  readonly patterns: readonly string[];
  /** The query whose rows are the log; null if files are. */
  readonly query: string | null;
}

/** A configuration that works as it stands, with the reasons as comments. */
export function configText(proposal: Proposal, options: ConfigTextOptions): string {
  const { numRows, sampledRows, numFiles } = proposal;
  const files = options.query !== null ? "a query" : numFiles === 1 ? "one file" : `${count(numFiles)} files`;
  const rows =
    sampledRows >= numRows ? `all ${count(numRows)} rows` : `${count(sampledRows)} of ${count(numRows)} rows`;
  const lines = [
    'import { defineProject } from "lapidary";',
    "",
    ...comment(
      `Proposed by \`lapidary init\` from ${rows} of ${files}. What is a guess is said so: read the reasons.`,
      "",
    ),
    "export default defineProject({",
    "  events: {",
    ...eventLines(proposal, options),
    "  },",
    ...objectiveLines(proposal),
    ...negativeLines(proposal),
    ...splitLines(proposal),
    ...modelLines(proposal),
    "});",
  ];
  return `${lines.join("\n")}\n`;
}

function eventLines(proposal: Proposal, options: ConfigTextOptions): readonly string[] {
  const { id, user, item, time, action, surface, origin, attributes, outcomes, unmapped, delays } = proposal;
  const source = (choice: Choice | null, value: string): string =>
    choice === null ? `{ value: ${quoted(value)} }` : quoted(choice.field);
  const ids = [id && `id: ${quoted(id.field)}`, user && `user: ${quoted(user.field)}`, `item: ${source(item, "all")}`];
  const places = [
    `action: ${source(action, "impression")}`,
    `surface: ${source(surface, "all")}`,
    origin && `origin: ${originText(origin)}`,
  ];
  const constants = [item ? null : "which item", action ? null : "what happened", surface ? null : "where"];
  const unsaid = constants.filter((text) => text !== null);
  const reason = unsaid.length === 0 ? "" : `No field says ${unsaid.join(" or ")}: one value for all.`;
  return [
    `    from: ${options.query === null ? filesText(options) : `{ sql: ${quoted(options.query)} }`},`,
    ...dialectLines(proposal),
    ...(proposal.namesFormat ? [`    format: ${quoted(proposal.format)},`] : []),
    ...reasons("    ", [id, user, item]),
    `    ${ids.filter((text) => text !== null).join(", ")},`,
    ...reasons("    ", [time]),
    ...(time === null
      ? []
      : [
          `    time: ${time.unit === "ms" ? quoted(time.field) : `{ from: ${quoted(time.field)}, unit: ${quoted(time.unit)} }`},`,
        ]),
    ...reasons("    ", [action, surface, origin], reason),
    `    ${places.filter((text) => text !== null).join(", ")},`,
    ...(attributes.length === 0 ? [] : comment("Known when the item is shown:", "    ")),
    ...reasons("    ", attributes),
    ...entries("    ", "attributes", attributes.map(attributeText)),
    ...(outcomes.length === 0
      ? []
      : comment("Known only later: never read of their own event, only of past ones.", "    ")),
    ...reasons("    ", outcomes),
    ...entries(
      "    ",
      "outcomes",
      outcomes.map((outcome) => outcomeText(outcome, delays)),
    ),
    ...(unmapped.length === 0 ? [] : comment("Left out:", "    ")),
    ...unmapped.flatMap(({ field, reason }) => comment(`- ${field}: ${reason}`, "    ")),
  ];
}

function objectiveLines({ objectives }: Proposal): readonly string[] {
  const texts = objectives.map(({ name, field, delay, isTimed }) => {
    if (isTimed) return `${name}: { at: ${quoted(field)}, window: ${quoted(delay)} }`;
    const from = name === field ? "" : `from: ${quoted(field)}, `;
    return `${name}: { ${from}delay: ${quoted(delay)} }`;
  });
  return [
    ...comment(
      `What models predict, and the time after which it is known${objectives.every(({ isMeasured }) => isMeasured) ? "" : ": an assumption where the log does not say it"}.`,
      "  ",
    ),
    ...reasons("  ", objectives),
    ...entries("  ", "objectives", texts),
  ];
}

function negativeLines({ negatives }: Proposal): readonly string[] {
  if (negatives === null) return [];
  const { perPositive, from } = NEGATIVES_DEFAULTS;
  return [...comment(`${negatives}.`, "  "), `  negatives: { perPositive: ${perPositive}, from: ${quoted(from)} },`];
}

function splitLines({ split }: Proposal): readonly string[] {
  if (split === null)
    return [
      ...comment("The events do not lie in time as a split by time needs.", "  "),
      `  split: { random: { validation: 0.15, test: 0.15 } },`,
    ];
  const { trainUntilMs, validationUntilMs, testUntilMs, reason } = split;
  const times = { trainUntil: trainUntilMs, validationUntil: validationUntilMs, testUntil: testUntilMs };
  const text = Object.entries(times).map(([name, ms]) => `${name}: ${quoted(instantText(ms))}`);
  return [...comment(`Windows of ${reason}.`, "  "), `  split: { ${text.join(", ")} },`];
}

function modelLines({ numRows, user, time }: Proposal): readonly string[] {
  const size = numRows <= TINY_ROWS ? "tiny" : numRows <= SMALL_ROWS ? "small" : "medium";
  const history = size === "tiny" ? 32 : 128;
  const past = user === null || time === null ? "" : `, history: ${history}`;
  const of = (kind: string): string => `${kind}: { kind: "${kind}", size: "${size}"${past} }`;
  const training = { tiny: "globalBatchSize: 64, epochs: 4", small: "globalBatchSize: 256, epochs: 2", medium: null }[
    size
  ];
  return [
    ...comment(`Sized for ${count(numRows)} rows.`, "  "),
    ...(training === null ? [] : [`  training: { ${training} },`]),
    `  models: { baseRate: { kind: "baseRate" }, ${of("previous")}, ${of("foundation")} },`,
  ];
}

function dialectLines({ delimiter, hasDecimalComma }: Proposal): readonly string[] {
  const settings = [
    ...(delimiter === null ? [] : [`delimiter: ${quoted(delimiter)}`]),
    ...(hasDecimalComma ? ['decimal: ","'] : []),
  ];
  return settings.length === 0 ? [] : [`    ${settings.join(", ")},`];
}

function originText({ field, ad }: OriginChoice): string {
  return ad === null ? quoted(field) : `{ from: ${quoted(field)}, ad: ${JSON.stringify(ad)} }`;
}

function attributeText({ name, field, kind, dim, delimiter }: FactChoice): string {
  const from = name === field ? "" : `from: ${quoted(field)}, `;
  if (dim !== undefined) return `${name}: { ${from}kind: "${kind}", dim: ${dim} }`;
  if (delimiter !== undefined && delimiter !== LIST_DELIMITER)
    return `${name}: { ${from}kind: "${kind}", delimiter: ${quoted(delimiter)} }`;
  return name === field ? `${name}: "${kind}"` : `${name}: { from: ${quoted(field)}, kind: "${kind}" }`;
}

function outcomeText({ name, field, kind }: FactChoice, delays: Proposal["delays"]): string {
  const from = name === field ? "" : `from: ${quoted(field)}, `;
  return `${name}: { ${from}kind: "${kind}", delay: ${quoted(delayOf(field, delays))} }`;
}

function delayOf(field: string, { soon, late }: Proposal["delays"]): string {
  return hasTrait(field, "late") ? late : soon;
}

/** `name: { … },` in one line if it fits, else filled lines. */
function entries(indent: string, name: string, texts: readonly string[]): readonly string[] {
  if (texts.length === 0) return [];
  const whole = `${indent}${name}: { ${texts.join(", ")} },`;
  if (whole.length <= WIDTH) return [whole];
  return [
    `${indent}${name}: {`,
    ...filled(
      texts.map((text) => `${text},`),
      `${indent}  `,
    ),
    `${indent}},`,
  ];
}

/** Parts one after the other, in lines of {@link WIDTH}. */
function filled(parts: readonly string[], indent: string): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + part.length <= WIDTH) lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(`${indent}${part}`);
  }
  return lines;
}

function reasons(indent: string, choices: readonly (Choice | null)[], more = ""): readonly string[] {
  const texts = choices.flatMap((choice) => (choice === null ? [] : [`${choice.field}: ${choice.reason}`]));
  const all = [...(texts.length === 0 ? [] : [`${texts.join("; ")}.`]), ...(more === "" ? [] : [more])];
  return all.length === 0 ? [] : comment(all.join(" "), indent);
}

function comment(text: string, indent: string): readonly string[] {
  // Names are the log's: a line break in one would end the comment.
  const clean = text.replaceAll(/[\s\u2028\u2029]+/g, " ");
  return filled(clean.split(" "), `${indent}// `).map((line) =>
    line.startsWith(`${indent}// `) ? line : `${indent}// ${line}`,
  );
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function instantText(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, 10) : text.replace(".000Z", "Z");
}

/** The files as the configuration names them: relative to it, unless that goes far up. */
function filesText({ folder, patterns }: ConfigTextOptions): string {
  const paths = shortened(patterns.map((pattern) => resolve(pattern))).map((path) => {
    const below = relative(folder, path);
    const up = below.split(sep).filter((part) => part === "..").length;
    return quoted((isAbsolute(below) || up > MOST_UP ? path : below).split(sep).join("/"));
  });
  return paths.length === 1 ? (paths[0] ?? "") : `[${paths.join(", ")}]`;
}

/** Many files of one folder as one pattern, if it names these and no others. */
function shortened(paths: readonly string[]): readonly string[] {
  const [first = ""] = paths;
  const folder = dirname(first);
  const extension = /(\.[A-Za-z]+(\.(gz|zst))?)$/.exec(basename(first))?.[1];
  if (paths.length <= MOST_LISTED || extension === undefined || paths.some((path) => dirname(path) !== folder))
    return paths;
  const sameKind = readdirSync(folder).filter((name) => name.endsWith(extension) && !name.startsWith("."));
  const isSame = sameKind.length === paths.length && paths.every((path) => sameKind.includes(basename(path)));
  return isSame ? [join(folder, `*${extension}`)] : paths;
}
