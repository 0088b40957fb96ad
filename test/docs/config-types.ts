import { MODULE_PATTERN } from "../../src/config/module-path.ts";
import { schemaText } from "../../src/config/schema.ts";
import { namedBy, type Schema } from "./config-page.ts";

const HEAD = `// Made from the schema by \`npm run docs\`: do not edit. What a key means shows where it is hovered in an editor.
import type { ModulePath } from "./module-path.ts";
`;

/** `models.NAME` → `UserModel`: the last key of a path in the singular, with as many before it as `keys` says. */
function nameOf(path: readonly string[], keys: number): string {
  const words = path.flatMap((key, i) => {
    if (key === "NAME") return [];
    return path[i + 1] === "NAME" ? [key.replace(/ies$/, "y").replace(/s$/, "")] : [key];
  });
  return `User${words.slice(-keys).map(capital).join("")}`;
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function comment({ description = "", title, pattern, default: value }: Schema): string {
  const form = title === undefined || pattern === undefined ? [] : [`${capital(title)}.`];
  const standard = value === undefined ? [] : [`@default ${JSON.stringify(value)}`];
  return `/** ${[description, ...form, ...standard].join(" ")} */`;
}

/** Writes TypeScript types of schemas; an object that keys lead to becomes an interface, the same one each time. */
class TypeWriter {
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly interfaces: string[] = [];

  /** The type of a schema as text. */
  typeOf(schema: Schema, path: readonly string[], indent = ""): string {
    const { type, enum: values, const: value, anyOf, items, pattern } = schema;
    if (anyOf !== undefined) return anyOf.map((form) => this.#formOf(form, path, indent)).join(" | ");
    if (values !== undefined) return values.map((word) => JSON.stringify(word)).join(" | ");
    if (value !== undefined) return JSON.stringify(value);
    if (pattern === MODULE_PATTERN) return "ModulePath";
    const named = namedBy(schema);
    if (named !== null) return `Record<string, ${this.typeOf(named, [...path, "NAME"], indent)}>`;
    if (schema.properties !== undefined) return this.#interfaceOf(schema, path);
    if (items !== undefined) return listOf(this.typeOf(items, path, indent));
    return type === "integer" ? "number" : (type ?? "unknown");
  }

  /** One of several forms of a key: an object stands where it is. */
  #formOf(schema: Schema, path: readonly string[], indent: string): string {
    if (schema.properties === undefined) return this.typeOf(schema, path, indent);
    return `{\n${this.#members(schema, path, `${indent}  `)}\n${indent}}`;
  }

  #interfaceOf(schema: Schema, path: readonly string[]): string {
    const { description: _, ...keys } = schema;
    const text = JSON.stringify(keys);
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = [1, 2].map((count) => nameOf(path, count)).find((free) => !this.#taken.has(free)) ?? nameOf(path, 3);
    this.#names.set(text, name);
    this.#taken.add(name);
    this.declare(name, schema, path);
    return name;
  }

  /** Writes an interface, and after it those that it needs. */
  declare(name: string, schema: Schema, path: readonly string[] = []): void {
    const at = this.interfaces.push("") - 1;
    const members = this.#members(schema, path, "  ");
    this.interfaces[at] = `${comment(schema)}\nexport interface ${name} {\n${members}\n}\n`;
  }

  #members({ properties = {}, required = [] }: Schema, path: readonly string[], indent: string): string {
    const lines = Object.entries(properties).map(([key, schema]) => {
      const mark = required.includes(key) ? "" : "?";
      return `${indent}${comment(schema)}\n${indent}${key}${mark}: ${this.typeOf(schema, [...path, key], indent)};`;
    });
    return lines.join("\n");
  }
}

function listOf(item: string): string {
  return item.includes("|") ? `(${item})[]` : `${item}[]`;
}

/** `src/config/user-config.ts`: the configuration's schema for editors. */
export function configTypes(schema: Schema = JSON.parse(schemaText()) as Schema): string {
  const writer = new TypeWriter();
  writer.declare("UserConfig", schema);
  return [HEAD, ...writer.interfaces].join("\n");
}
