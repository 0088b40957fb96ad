import { schemaText } from "../../src/config/schema.ts";

/** The keywords of JSON Schema that the configuration uses. */
export interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

/** One object of the configuration, and where it stands: `models.NAME.training`. */
interface Section {
  readonly path: string;
  readonly schema: Schema;
}

const HEAD = `# Configuration

Every key of \`lapidary.config.ts\` (or \`.yaml\`, \`.json\`), made from the schema by \`npm run docs\`; a test fails when the two
differ. \`lapidary init\` writes the same as \`lapidary.schema.json\` beside a new project, for completion in editors. NAME
stands for a name that you choose. \`--set a.b=c\` overrides a key for one command. An unknown key is an error.
`;

const anchorOf = (path: string): string => path.toLowerCase().replace(/[^\w-]/g, "");
const linkTo = (path: string): string => `[${path}](#${anchorOf(path)})`;
const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;
const inCell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** What a map has under each name; null if the schema is no map. */
export function namedBy({ patternProperties = {} }: Schema): Schema | null {
  return Object.values(patternProperties)[0] ?? null;
}

function rangeOf({ type, minimum, maximum, exclusiveMinimum }: Schema): string {
  if (type !== "integer" && type !== "number") return "";
  const lows = [
    ...(minimum === undefined || minimum <= -1e12 ? [] : [`≥ ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`]),
    ...(maximum === undefined || maximum > 1e6 ? [] : [`≤ ${maximum}`]),
  ];
  return lows.length === 0 ? "" : ` ${lows.join(", ")}`;
}

/** The values that a key takes, in words. */
function typeOf(schema: Schema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(", or ");
  if (schema.type === "array") return `list of ${schema.items === undefined ? "values" : typeOf(schema.items)}`;
  const value = namedBy(schema);
  if (value !== null) return `by name: ${typeOf(value)}`;
  const names: Readonly<Record<string, string>> = { string: "text", boolean: "true or false", null: "null" };
  const { type = "value" } = schema;
  return `${names[type] ?? type}${rangeOf(schema)}`;
}

function defaultOf({ required = [] }: Schema, key: string, schema: Schema): string {
  if (required.includes(key)) return "required";
  return schema.default === undefined ? "–" : code(schema.default);
}

/** The sections that a value has below its own key: of objects, maps of them, lists of them. */
function sectionsBelow(path: string, schema: Schema): readonly Section[] {
  if (schema.properties !== undefined || schema.anyOf?.some(isObject)) return [{ path, schema }];
  const value = namedBy(schema);
  if (value !== null) return sectionsBelow(`${path}.NAME`, value);
  return schema.items === undefined ? [] : sectionsBelow(path, schema.items);
}

const isObject = ({ properties }: Schema): boolean => properties !== undefined;

function table({ path, schema }: Section): string {
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const [below] = sectionsBelow(`${path === "" ? "" : `${path}.`}${key}`, value);
    const isShort = below === undefined || value.title !== undefined;
    const type = isShort ? typeOf(value) : linkTo(below.path);
    return `| \`${key}\` | ${inCell(type)} | ${inCell(defaultOf(schema, key, value))} | ${inCell(value.description ?? "")} |`;
  });
  return ["| Key | Value | Default | Meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** The section written before that has the same keys, or more, or the same forms; null if there is none. */
function sameAs({ properties, anyOf }: Schema, before: readonly Section[]): Section | null {
  const own = Object.entries(properties ?? {});
  const has = ({ schema }: Section): boolean =>
    own.every(([key, value]) => JSON.stringify(schema.properties?.[key]) === JSON.stringify(value)) &&
    (anyOf === undefined || JSON.stringify(schema.anyOf) === JSON.stringify(anyOf));
  return own.length === 0 && anyOf === undefined ? null : (before.find(has) ?? null);
}

/** Says where the keys of an object stand, and which they are if it has only some of them. */
function asText({ properties = {} }: Schema, same: Section): string {
  const own = Object.keys(properties);
  const isWhole = own.length === Object.keys(same.schema.properties ?? {}).length;
  const keys = own.map((key) => `\`${key}\``).join(", ");
  return isWhole ? `As ${linkTo(same.path)}.` : `Of the keys of ${linkTo(same.path)}: ${keys}.`;
}

/** One line for each key of an object, and below it those of the objects inside. */
function keyLines(schema: Schema, before: readonly Section[], indent: string): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const need = schema.required?.includes(key) ? "" : ", optional";
    const given = value.default === undefined ? "" : `, default ${code(value.default)}`;
    const inner = namedBy(value) ?? value;
    const same = isObject(inner) ? sameAs(inner, before) : null;
    const as = same === null ? "" : ` ${asText(inner, same)}`;
    const line = `${indent}- \`${key}\` (${typeOf(value)}${need}${given}). ${value.description ?? ""}${as}`.trimEnd();
    return [line, ...(same === null ? keyLines(inner, before, `${indent}  `) : [])];
  });
}

/** The forms of a key that has several: one line each, and the keys of those that are objects. */
function forms({ schema }: Section, before: readonly Section[]): string {
  const lines = (schema.anyOf ?? []).flatMap((form) => {
    const { properties, description = "" } = form;
    const shape = properties === undefined ? typeOf(form) : `\`{ ${Object.keys(properties).join(", ")} }\``;
    return [`- ${shape}. ${description}`.trimEnd(), ...keyLines(form, before, "  ")];
  });
  return lines.join("\n");
}

function bodyOf(section: Section, before: readonly Section[]): string {
  const same = sameAs(section.schema, before);
  if (same !== null) return asText(section.schema, same);
  return isObject(section.schema) ? table(section) : forms(section, before);
}

/** `docs/config.md`: the configuration's schema for people. */
export function configPage(schema: Schema = JSON.parse(schemaText()) as Schema): string {
  const written: Section[] = [];
  const parts: string[] = [HEAD];
  const visit = (section: Section): void => {
    const { path } = section;
    const isRepeated = sameAs(section.schema, written) !== null;
    const title = path === "" ? "The project" : path;
    const { description = "" } = section.schema;
    const text = [`## ${title}`, ...(path === "" ? [] : [description]), bodyOf(section, written)];
    parts.push(`${text.filter((line) => line !== "").join("\n\n")}\n`);
    if (isRepeated) return;
    written.push(section);
    for (const [key, value] of Object.entries(section.schema.properties ?? {})) {
      sectionsBelow(path === "" ? key : `${path}.${key}`, value).forEach(visit);
    }
  };
  visit({ path: "", schema });
  return parts.join("\n");
}
