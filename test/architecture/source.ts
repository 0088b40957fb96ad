import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { type Comment, type Node, type Program, parseSync, visitorKeys } from "oxc-parser";

/** One import of another file of ours. */
export interface Import {
  /** Path of the imported file, relative to the checkout. */
  readonly path: string;
  /** Whether the compiler removes it, so that nothing is loaded at run time. */
  readonly typeOnly: boolean;
}

/** A parsed TypeScript file, its path relative to the checkout. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly imports: readonly Import[];
}

/** Calls `visit` for every node below and including `node`, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  const fields = node as unknown as Readonly<Record<string, unknown>>;
  for (const key of visitorKeys[node.type] ?? []) {
    for (const child of [fields[key]].flat()) if (isNode(child)) walk(child, visit);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

/** What a node imports: the specifier, and whether only types. Workers are imports too: `new URL("./x.js", …)`. */
function specifierOf(node: Node): { readonly value: string; readonly typeOnly: boolean } | null {
  switch (node.type) {
    case "ImportDeclaration":
      return { value: node.source.value, typeOnly: node.importKind === "type" };
    case "ExportAllDeclaration":
      return { value: node.source.value, typeOnly: node.exportKind === "type" };
    case "ExportNamedDeclaration":
      return node.source && { value: node.source.value, typeOnly: node.exportKind === "type" };
    case "ImportExpression":
      return literal(node.source, false);
    case "TSImportType":
      return literal(node.source, true);
    case "NewExpression": {
      const file = node.callee.type === "Identifier" && node.callee.name === "URL" && node.arguments[0];
      const specifier = file ? literal(file, false) : null;
      return specifier?.value.endsWith(".js") ? specifier : null;
    }
    default:
      return null;
  }
}

function literal(node: Node, typeOnly: boolean): { readonly value: string; readonly typeOnly: boolean } | null {
  return node.type === "Literal" && typeof node.value === "string" ? { value: node.value, typeOnly } : null;
}

/** Parses `text` as the file `path`, which is relative to the checkout. @throws {SyntaxError} if it does not parse. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, errors } = parseSync(path, text);
  if (errors[0]) throw new SyntaxError(`${path}: ${errors[0].message}`);
  const imports: Import[] = [];
  walk(program, (node) => {
    const specifier = specifierOf(node);
    if (!specifier?.value.startsWith(".") || !/\.[jt]s$/.test(specifier.value)) return;
    const target = posix.join(posix.dirname(path), specifier.value).replace(/\.js$/, ".ts");
    imports.push({ path: target, typeOnly: specifier.typeOnly });
  });
  return { path, text, program, comments, imports };
}

/** Paths of the files below `folder` of the checkout that end in one of `extensions`; build outputs left out. */
export function listSources(root: string, folder: string, extensions: readonly string[]): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => extensions.some((extension) => path.endsWith(extension)) && !path.startsWith("build/"))
    .map((path) => posix.join(folder, path))
    .sort();
}

/** Parses the TypeScript files below `folder`. */
export function readSources(root: string, folder: string): SourceFile[] {
  return listSources(root, folder, [".ts"]).map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}

/** Whether a path is that of a test. */
export const isTest = (path: string): boolean => path.endsWith(".test.ts");
