import type { Node } from "oxc-parser";
import { type SourceFile, walk } from "./source.ts";

/** An exported name, and the statement that its doc comment stands before. */
interface Declared {
  readonly name: string;
  readonly node: Node;
  readonly isFunction: boolean;
}

function namesOf(declaration: Node): string[] {
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
  }
  const named = "id" in declaration ? declaration.id : null;
  return named?.type === "Identifier" ? [named.name] : [];
}

/** Names that a list without a source, `export { a }`, exports. */
function listedNames(node: Node): string[] {
  if (node.type !== "ExportNamedDeclaration" || node.source) return [];
  return node.specifiers.flatMap(({ local }) => (local.type === "Identifier" ? [local.name] : []));
}

function exportsOf(file: SourceFile): Declared[] {
  const listed = new Set(file.program.body.flatMap(listedNames));
  return file.program.body.flatMap((node) => {
    const exported = node.type === "ExportNamedDeclaration" ? node.declaration : null;
    const names = exported ? namesOf(exported) : namesOf(node).filter((name) => listed.has(name));
    return names.map((name) => ({ name, node, isFunction: /Function/.test((exported ?? node).type) }));
  });
}

/** Whether a doc comment stands directly before `node`; instructions to the linter may stand between. */
function isDocumented(file: SourceFile, node: Node): boolean {
  let end = node.start;
  for (const comment of file.comments.filter((comment) => comment.end <= node.start).reverse()) {
    if (file.text.slice(comment.end, end).trim() !== "") return false;
    if (comment.type === "Block") return comment.value.startsWith("*");
    if (!comment.value.trim().startsWith("biome-ignore")) return false;
    end = comment.start;
  }
  return false;
}

/** Exported names without a doc comment. Of the overloads of a function one must have it. */
export function undocumentedExports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const bare: Declared[] = [];
    const functions = new Set<string>();
    for (const entry of exportsOf(file)) {
      if (!isDocumented(file, entry.node)) bare.push(entry);
      else if (entry.isFunction) functions.add(entry.name);
    }
    return bare
      .filter(({ name, isFunction }) => !(isFunction && functions.has(name)))
      .map(({ name }) => `${file.path}: ${name} has no doc comment`);
  });
}

/** Names that a file declares or imports, members included: what its doc comments can link to. */
function linkable({ program }: SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  walk(program, (node) => {
    for (const place of ["id", "key", "local"] as const) {
      const named = (node as { readonly [key in typeof place]?: Node | null })[place];
      if (named?.type === "Identifier") names.add(named.name);
    }
  });
  return names;
}

/** Links of doc comments, `{@link a.b}`, whose first name the file does not know: a reader could not follow them. */
export function brokenLinks(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const links = file.comments.flatMap(({ value }) => [...value.matchAll(/\{@link (\w+)/g)]);
    if (links.length === 0) return [];
    const names = linkable(file);
    return links.flatMap(([, name = ""]) => (names.has(name) ? [] : [`${file.path}: ${name}`]));
  });
}

/** Words of a camelCase, PascalCase or UPPER_CASE identifier, in lower case. */
export function wordsOf(identifier: string): string[] {
  return (identifier.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((word) => word.toLowerCase());
}

/** Names with a word that means two things (`fm`: factorization machine or foundation model) or says nothing. */
export function forbiddenNames(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const found = new Set<string>();
    walk(file.program, (node) => {
      if (node.type === "Identifier" && wordsOf(node.name).includes("fm")) found.add(node.name);
      const isClass = node.type === "ClassDeclaration" || node.type === "TSInterfaceDeclaration";
      if (isClass && node.id && /Manager|Helper/.test(node.id.name)) found.add(node.id.name);
    });
    return [...found].map((name) => `${file.path}: ${name}`);
  });
}

/** Non-null assertions other than on an element, `x[i]!`, which loops over typed arrays need. */
export function looseNonNulls(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const found: string[] = [];
    walk(file.program, (node) => {
      if (node.type !== "TSNonNullExpression") return;
      if (node.expression.type === "MemberExpression" && node.expression.computed) return;
      found.push(`${file.path}: ${file.text.slice(node.start, node.end)}`);
    });
    return found;
  });
}
