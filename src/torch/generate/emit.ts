import { EXAMPLES } from "./examples.ts";
import type { Schema, SchemaArgument } from "./schema.ts";

/** A wrapper to write: one schema, or a tensor form and a `Scalar` form of the same operator. */
export interface Wrapper {
  readonly name: string;
  readonly schemas: readonly [Schema, Schema?];
}

/** Arguments that no caller needs: how memory is laid out is libtorch's business here. */
const OMITTED: ReadonlySet<string> = new Set(["layout", "pin_memory", "memory_format", "non_blocking", "names"]);

/** Arguments that hold a dtype, which the schema calls an int. */
const TYPES: Readonly<Record<string, string>> = {
  Tensor: "Tensor",
  int: "number",
  float: "number",
  bool: "boolean",
  str: "string",
  Scalar: "number | boolean",
  ScalarType: "DType",
  Device: "string",
  Generator: "GeneratorRef",
};

/** The head of a file of wrappers, which lies two folders below `src/`. */
const HEADER = "// Written by `npm run generate` from the schemas of the operators. Do not edit.";

/** What wrappers need beside `Tensor`, each with the line that brings it. */
const NEEDS = {
  dtypeCode: 'import { dtypeCode } from "../../torch/tensor/dtype.ts";',
  DType: 'import type { DType } from "../../torch/tensor/dtype.ts";',
  Handle: 'import type { Handle } from "../../torch/native.ts";',
  native: 'import { native } from "../../torch/native.ts";',
  GeneratorRef: 'import type { GeneratorRef } from "../../torch/native.ts";',
} as const;

/** How wrappers call, each with the line that defines it. */
const CALLS = {
  call: "const call = native.call as (operator: number, ...values: unknown[]) => Handle;",
  callMany: "const callMany = native.call as (operator: number, ...values: unknown[]) => Handle[];",
  wrapAll: "const wrapAll = (handles: Handle[]): Tensor[] => handles.map((handle) => new Tensor(handle));",
  handleOf: "const handleOf = (tensor: Tensor): Handle => tensor.handle;",
} as const;

function camel(name: string): string {
  const plain = name.replace(/^_+/, "");
  return plain.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function typeOf(argument: SchemaArgument): string {
  const optional = argument.type.endsWith("?");
  const bare = optional ? argument.type.slice(0, -1) : argument.type;
  const list = /^(\w+)(\??)\[\]$/.exec(bare);
  const one = TYPES[list?.[1] ?? bare];
  if (one === undefined) throw new Error(`no TypeScript type for ${argument.type} ${argument.name}`);
  const element = list?.[2] === "?" ? `(${one} | null)` : one;
  return `${list === null ? one : `readonly ${element}[]`}${optional ? " | null" : ""}`;
}

function isOptional(argument: SchemaArgument): boolean {
  return argument.fallback !== null || argument.type.endsWith("?");
}

/** The expression that turns an argument into what the bridge takes. */
function passed(argument: SchemaArgument, method: boolean): string {
  const name = argument.keywordOnly ? `options?.${camel(argument.name)}` : camel(argument.name);
  const access = isOptional(argument) ? `${name}?.handle` : `${name}.handle`;
  if (method && argument.name === "self") return "this.handle";
  if (/^Tensor\??$/.test(argument.type)) return access;
  if (argument.type === "Tensor[]") return `${name}.map(handleOf)`;
  if (argument.type === "Tensor?[]") return `${name}.map((tensor) => tensor?.handle ?? null)`;
  if (/^ScalarType/.test(argument.type)) return `dtypeCode(${name})`;
  if (/^Generator/.test(argument.type)) return isOptional(argument) ? `${name}?.id` : `${name}.id`;
  return name;
}

function parameters(schema: Schema, method: boolean): string[] {
  const shown = schema.arguments.filter(({ name }) => !OMITTED.has(name) && !(method && name === "self"));
  const positional = shown.filter(({ keywordOnly }) => !keywordOnly);
  const keywords = shown.filter(({ keywordOnly }) => keywordOnly);
  const lastRequired = positional.findLastIndex((argument) => !isOptional(argument));
  const list = positional.map(
    (argument, i) => `${camel(argument.name)}${i > lastRequired ? "?" : ""}: ${typeOf(argument)}`,
  );
  if (keywords.length > 0) {
    const required = keywords.some((argument) => !isOptional(argument));
    const fields = keywords.map((a) => `${camel(a.name)}${isOptional(a) ? "?" : ""}: ${typeOf(a)}`);
    list.push(`options${required ? "" : "?"}: { ${fields.map((field) => `readonly ${field}`).join("; ")} }`);
  }
  return list;
}

function constantName({ name, overload }: Schema): string {
  return `${name.replace("::", "_")}${overload === "" ? "" : `_${overload}`}`.toUpperCase();
}

function values(schema: Schema, method: boolean): string {
  const list = schema.arguments.map((argument) =>
    OMITTED.has(argument.name) ? "undefined" : passed(argument, method),
  );
  while (list.at(-1) === "undefined") list.pop();
  return [constantName(schema), ...list].join(", ");
}

function resultType({ returns, inPlace }: Schema): string {
  if (inPlace) return returns.length === 0 || returns[0] === "" ? "void" : "this";
  if (returns.length > 1) return `[${returns.map(() => "Tensor").join(", ")}]`;
  return returns[0] === "Tensor[]" ? "Tensor[]" : returns[0] === "bool" ? "boolean" : "Tensor";
}

function statement(schema: Schema, method: boolean): string {
  const type = resultType(schema);
  const args = values(schema, method);
  if (type === "void") return `native.callDropped(${args});`;
  if (type === "this") return `native.callDropped(${args});\n    return this;`;
  if (type === "boolean") return `return native.call(${args}) as boolean;`;
  if (type === "Tensor") return `return new Tensor(call(${args}));`;
  return `return wrapAll(callMany(${args}))${type === "Tensor[]" ? "" : ` as ${type}`};`;
}

/** Merges the `Scalar` form into the tensor form: the second argument may be either. */
function mergedBody(tensor: Schema, scalar: Schema): { list: string[]; body: string } {
  const list = parameters(tensor, true).map((p) => p.replace(/: Tensor$/, ": Tensor | number"));
  const name = camel(tensor.arguments[1]?.name ?? "");
  const scalarForm: Schema = {
    ...scalar,
    arguments: scalar.arguments.map((a, i) => {
      const twin = tensor.arguments.find((b) => b.name === a.name);
      return {
        ...a,
        name: i === 1 ? (tensor.arguments[1]?.name ?? a.name) : a.name,
        keywordOnly: twin?.keywordOnly ?? a.keywordOnly,
      };
    }),
  };
  const body = `if (typeof ${name} === "number") {
      ${statement(scalarForm, true).replaceAll("\n    ", "\n      ")}
    }
    ${statement(tensor, true)}`;
  return { list, body };
}

/** A doc comment of one sentence, with the example of a name if there is one. */
function docComment(sentence: string, name: string): string {
  const example = EXAMPLES[name];
  if (example === undefined) return `/** ${sentence} */`;
  const lines = [sentence, "", "@example", ...example.split("\n")];
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */`;
}

/** The wrapper's text: a method of `receiver` where that is the tensor itself. */
function emitOne(
  { name, schemas: [schema, scalar] }: Wrapper,
  receiver: SchemaArgument | undefined,
): { method: boolean; text: string } {
  const method = receiver?.name === "self" && receiver.type === "Tensor";
  const { list, body } =
    scalar === undefined
      ? { list: parameters(schema, method), body: statement(schema, method) }
      : mergedBody(schema, scalar);
  const doc = [schema, scalar].flatMap((s) => (s === undefined ? [] : [`\`${s.text}\``])).join(" and ");
  const signature = `${camelName(name)}(${list.join(", ")}): ${resultType(schema)}`;
  const text = method
    ? `  /** ${doc} */\n  ${signature} {\n    ${body}\n  }\n`
    : `${docComment(doc, camelName(name))}\nexport function ${signature} {\n  ${body.replaceAll("\n    ", "\n  ")}\n}\n`;
  return { method, text };
}

function camelName(name: string): string {
  const inPlace = name.endsWith("_") ? "_" : "";
  return `${camel(name.replace(/_$/, ""))}${inPlace}`;
}

/** The lines of a table whose names a text uses. */
function used(lines: Readonly<Record<string, string>>, text: string): string[] {
  return Object.entries(lines).flatMap(([name, line]) => (new RegExp(`\\b${name}\\b`).test(text) ? [line] : []));
}

/** A file of wrappers: its imports, the operators' numbers, and the code. */
function file(wrappers: readonly Wrapper[], imports: readonly string[], code: string): string {
  const schemas = wrappers.flatMap(({ schemas: pair }) => pair.filter((schema) => schema !== undefined));
  const constants = schemas.map((s) => `const ${constantName(s)} = native.operator("${s.name}", "${s.overload}");`);
  const calls = used(CALLS, code);
  const needs = used(NEEDS, [...constants, ...calls, code].join("\n"));
  return `${[HEADER, ...imports, ...needs].join("\n")}\n\n${calls.join("\n")}\n\n${constants.join("\n")}\n\n${code}`;
}

/** The text of `torch/generated/tensor.ts`: the class whose methods are the operators on a tensor, and the other operators as functions. */
export function emitTensor(wrappers: readonly Wrapper[]): string {
  const parts = wrappers.map((wrapper) => emitOne(wrapper, wrapper.schemas[0].arguments[0]));
  const methods = parts.filter(({ method }) => method).map(({ text }) => text);
  const functions = parts.filter(({ method }) => !method).map(({ text }) => text);
  const doc = "A tensor of libtorch: a handle whose methods are the operators that take a tensor first.";
  const code = `${docComment(doc, "Tensor")}
export class Tensor extends TensorBase {
${methods.join("\n")}}

${functions.join("\n")}`;
  return file(wrappers, ['import { TensorBase } from "../../torch/tensor/tensor-base.ts";'], code);
}

/** The text of a file of functions alone: one for each operator. */
export function emitFunctions(wrappers: readonly Wrapper[]): string {
  const code = wrappers.map((wrapper) => emitOne(wrapper, undefined).text).join("\n");
  const tensor = /new Tensor\(|wrapAll/.test(code) ? "import { Tensor }" : "import type { Tensor }";
  return file(wrappers, [`${tensor} from "../../torch/generated/tensor.ts";`], code);
}
