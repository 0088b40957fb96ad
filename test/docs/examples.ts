import type { Comment } from "oxc-parser";
import { parseSource, walk } from "../architecture/source.ts";
import type { PublicValue } from "./public-api.ts";

/** One `@example` of a doc comment. */
export interface Example {
  /** Its value and, of the second one on, a number: `torch.noGrad`, `torch.noGrad-2`. */
  readonly name: string;
  readonly code: string;
  /** What it says that it prints, call by call. */
  readonly expected: readonly string[];
}

/** The codes of a doc comment's examples: each from a line `@example` to the next tag, or the end. */
export function codesOf(comment: string): readonly string[] {
  const text = comment.replaceAll(/^[^\S\n]*\*(?: |$)/gm, "");
  return [...text.matchAll(/^@example\n(.*?)(?=^@[a-z]|$(?![\s\S]))/gms)].map(([, code = ""]) => `${code.trim()}\n`);
}

interface Print {
  readonly start: number;
  readonly end: number;
}

/** The calls of `console.log`, in the order of the text. */
function printsOf(code: string): { readonly prints: readonly Print[]; readonly comments: readonly Comment[] } {
  const { program, comments } = parseSource("example.ts", code);
  const prints: Print[] = [];
  walk(program, (node) => {
    if (node.type !== "ExpressionStatement" || node.expression.type !== "CallExpression") return;
    const { callee } = node.expression;
    if (code.slice(callee.start, callee.end) === "console.log") prints.push({ start: node.start, end: node.end });
  });
  return { prints, comments };
}

/** The comment behind a call or in the line below it, with those of the lines directly below that; null if there is none. */
function commentBehind(code: string, { end }: Print, comments: readonly Comment[]): string | null {
  const lines: string[] = [];
  let place = end;
  for (const { start, end: next, value } of comments.filter((comment) => comment.start >= end)) {
    if (!/^[^\S\n]*\n?[^\S\n]*$/.test(code.slice(place, start))) break;
    lines.push(value.trim());
    place = next;
  }
  return lines.length === 0 ? null : lines.join("\n");
}

/**
 * What an example says that it prints: the comment behind each `console.log`.
 *
 * @throws {Error} if it prints without saying what, or says nothing that can be wrong
 */
export function expectedOf(name: string, code: string): readonly string[] {
  const { prints, comments } = printsOf(code);
  const expected = prints.map((print) => {
    const comment = commentBehind(code, print, comments);
    if (comment === null)
      throw new Error(`${name}: no comment says what \`${code.slice(print.start, print.end)}\` prints`);
    return comment;
  });
  if (expected.length === 0 && !/\bassert\b/.test(code)) throw new Error(`${name}: nothing in it can be wrong`);
  return expected;
}

/** The examples of a value. @throws {Error} as {@link expectedOf} */
export function examplesOf({ name, comments }: PublicValue): readonly Example[] {
  return comments.flatMap(codesOf).map((code, i) => {
    const own = i === 0 ? name : `${name}-${i + 1}`;
    return { name: own, code, expected: expectedOf(own, code) };
  });
}

const withoutSpace = (text: string): string => text.replaceAll(/\s/g, "");
const literally = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** Whether a text is what was expected: white space aside, and `…` stands for anything. */
export function isAsSaid(printed: string, expected: string): boolean {
  const pattern = withoutSpace(expected).split("…").map(literally).join("[^]*");
  return new RegExp(`^${pattern}$`).test(withoutSpace(printed));
}
