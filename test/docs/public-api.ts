import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import type { Node } from "oxc-parser";
import { parseSource, type SourceFile } from "../architecture/source.ts";

/** A value that a face of the package exports, where it is declared. */
export interface PublicValue {
  /** Face and name: `torch.noGrad`. */
  readonly name: string;
  /** Whether it is called: a function or a class. */
  readonly isCallable: boolean;
  /** Its doc comment, and of a class those of its members, as they stand in the source. */
  readonly comments: readonly string[];
}

/** Reads a file of the checkout by its path there. */
export type ReadSource = (path: string) => SourceFile;

/** Reads each file once. */
export function sourceReader(root: string): ReadSource {
  const read = new Map<string, SourceFile>();
  return (path) => {
    const known = read.get(path) ?? parseSource(path, readFileSync(join(root, path), "utf8"));
    read.set(path, known);
    return known;
  };
}

/** The doc comment directly before a place; null if there is none. */
function commentBefore(file: SourceFile, start: number): string | null {
  const last = file.comments.findLast(({ end }) => end <= start);
  const isDoc = last?.type === "Block" && last.value.startsWith("*") && file.text.slice(last.end, start).trim() === "";
  return isDoc ? last.value : null;
}

const isFunction = (node: Node | null | undefined): boolean =>
  node?.type === "ArrowFunctionExpression" || node?.type === "FunctionExpression";

/** The declaration of a name, if this exported statement is one. */
function declarationOf(statement: Node, name: string): { readonly node: Node; readonly isCallable: boolean } | null {
  if (statement.type !== "ExportNamedDeclaration" || !statement.declaration) return null;
  const node = statement.declaration;
  if (node.type === "VariableDeclaration") {
    const found = node.declarations.find(({ id }) => id.type === "Identifier" && id.name === name);
    return found === undefined ? null : { node, isCallable: isFunction(found.init) };
  }
  const isNamed = "id" in node && node.id?.type === "Identifier" && node.id.name === name;
  const isCallable = node.type === "ClassDeclaration" || /Function/.test(node.type);
  return isNamed ? { node, isCallable } : null;
}

/** Doc comments of the members of a class that are not private or internal. */
function memberComments(file: SourceFile, node: Node): readonly string[] {
  if (node.type !== "ClassDeclaration") return [];
  return node.body.body.flatMap((member) => {
    const comment = commentBefore(file, member.start);
    return comment === null ? [] : [comment];
  });
}

function valueIn(file: SourceFile, name: string, shown: string): PublicValue | null {
  const comments: string[] = [];
  let isCallable: boolean | null = null;
  for (const statement of file.program.body) {
    const found = declarationOf(statement, name);
    if (found === null) continue;
    isCallable = found.isCallable;
    const own = commentBefore(file, statement.start);
    comments.push(...(own === null ? [] : [own]), ...memberComments(file, found.node));
  }
  return isCallable === null ? null : { name: shown, isCallable, comments };
}

/** The value that a file exports under a name, through the files that it passes it on from. */
function follow(path: string, name: string, { shown, read }: { shown: string; read: ReadSource }): PublicValue {
  const file = read(path);
  const found = valueIn(file, name, shown);
  if (found !== null) return found;
  const from = passedOn(file).find(({ exported }) => exported === name);
  if (from === undefined) throw new Error(`${path} declares no ${name}`);
  return follow(from.path, from.local, { shown, read });
}

interface PassedOn {
  readonly exported: string;
  readonly local: string;
  readonly path: string;
}

const textOf = (node: Node): string => ("name" in node && typeof node.name === "string" ? node.name : "");

/** Values, types left out, that a file passes on from others. */
function passedOn({ path, program }: SourceFile): readonly PassedOn[] {
  return program.body.flatMap((node) => {
    if (node.type !== "ExportNamedDeclaration" || !node.source || node.exportKind === "type") return [];
    const from = posix.join(posix.dirname(path), node.source.value);
    return node.specifiers
      .filter(({ exportKind }) => exportKind !== "type")
      .map(({ local, exported }) => ({ exported: textOf(exported), local: textOf(local), path: from }));
  });
}

/** The values that `src/FACE/index.ts` exports. */
export function publicValues(face: string, read: ReadSource): readonly PublicValue[] {
  const index = read(`src/${face}/index.ts`);
  return passedOn(index).map(({ exported, local, path }) =>
    follow(path, local, { shown: `${face}.${exported}`, read }),
  );
}
