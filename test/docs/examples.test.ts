import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseSource } from "../architecture/source.ts";
import { ROOT, temporaryFolder } from "../cli/lapidary.ts";
import { codesOf, examplesOf, expectedOf, isAsSaid } from "./examples.ts";
import type { Ran } from "./examples-worker.ts";
import { publicValues, sourceReader } from "./public-api.ts";

/** The faces whose functions and classes all have an example. */
const FACES = ["torch", "ops", "nn", "data", "train", "transfer", "serve"];

/** Compiler and examples run in one hook: on a machine with other work that can take minutes. */
const HOOK_TIMEOUT_MS = 600_000;

const values = FACES.flatMap((face) => publicValues(face, sourceReader(ROOT)));
const examples = values.flatMap(examplesOf);

/** A folder of this package, in which `lapidary/…` is this build. */
function folderInside(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(ROOT, "dist", "doc-examples-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** What a program of Node's writes; it fails unless the program ends well. */
function outputOf(args: readonly string[], cwd: string): string {
  const child = { cwd, encoding: "utf8", maxBuffer: 1 << 26, timeout: HOOK_TIMEOUT_MS / 2 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, child);
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  return stdout;
}

/** Names of files that differ in more than the case of letters. */
const fileOf = (name: string): string => `${examples.findIndex((example) => example.name === name)}-${name}`;

/** Compiles all examples as one program, as strictly as our own code. */
function compile(folder: string): void {
  for (const { name, code } of examples) writeFileSync(join(folder, `${fileOf(name)}.ts`), `${code}export {};\n`);
  const compilerOptions = { outDir: "js", rootDir: ".", declaration: false, sourceMap: false };
  const config = { extends: "../../tsconfig.json", compilerOptions, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  outputOf([join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", "."], folder);
}

describe("the examples of the doc comments", () => {
  const inside = folderInside();
  const project = temporaryFolder();
  let ran: Readonly<Record<string, Ran>> = {};
  beforeAll(() => {
    compile(inside.path);
    const worker = join(import.meta.dirname, "examples-worker.js");
    const files = examples.map(({ name }) => fileOf(name));
    const args = ["--expose-gc", worker, project.path, join(inside.path, "js"), ...files];
    ran = JSON.parse(outputOf(args, ROOT)) as typeof ran;
  }, HOOK_TIMEOUT_MS);
  afterAll(() => {
    inside[Symbol.dispose]();
    project[Symbol.dispose]();
  });

  it.each(FACES)("there is one of every function and class of lapidary/%s", (face) => {
    const own = values.filter(({ name, isCallable }) => isCallable && name.startsWith(`${face}.`));
    expect(own.length).toBeGreaterThan(5);
    expect(own.filter((value) => examplesOf(value).length === 0).map(({ name }) => name)).toEqual([]);
  });

  it.each(examples)("$name prints what it says", ({ name, expected }) => {
    const { printed, error } = ran[fileOf(name)] ?? { printed: [], error: "it did not run" };
    expect(error).toBeNull();
    expect(printed.map((text, i) => (isAsSaid(text, expected[i] ?? "") ? expected[i] : text))).toEqual(expected);
  });

  it("are found in comments, each to its end", () => {
    const comment =
      "*\n * One.\n *\n * @example\n * a();\n *\n *   b(); // @c\n * @throws never\n * @example\n * d();\n ";
    expect(codesOf(comment)).toEqual(["a();\n\n  b(); // @c\n", "d();\n"]);
    expect(codesOf("* Nothing. ")).toEqual([]);
  });

  it("say what they print behind each print or below it", () => {
    const code =
      "f(); // no\nconsole.log(1); // 1\nif (a) {\n  console.log([2,\n3]);\n  // [2,\n  // 3]\n\n  // no\n}\n";
    expect(expectedOf("x", code)).toEqual(["1", "[2,\n3]"]);
    expect(() => expectedOf("x", "console.log(1);\n\n// 1")).toThrow(
      /x: no comment says what `console.log\(1\);` prints/,
    );
    expect(() => expectedOf("x", "f(); // 1")).toThrow(/x: nothing in it can be wrong/);
    expect(expectedOf("x", "assert.equal(f(), 1);")).toEqual([]);
  });

  it.each([
    ["[ 1, 2 ]", "[1, 2]", true],
    ["[ 1, 2 ]", "[1, 3]", false],
    ["12", "1", false],
    ["a.b", "a-b", false],
    ["Tensor [1, 2, 3]", "Tensor […]", true],
    ["Tensor [1, 2, 3]", "Tensor […", true],
    ["Tensor", "Tensor […]", false],
  ])("%j as %j: %j", (printed, expected, answer) => {
    expect(isAsSaid(printed, expected)).toBe(answer);
  });
});

describe("the values that a face exports", () => {
  const sources: Readonly<Record<string, string>> = {
    "src/a/index.ts":
      'export type { T } from "./b.ts";\nexport { C, f, type U } from "./b.ts";\nexport { g as h, N } from "./c.ts";',
    "src/a/b.ts": 'export { f } from "./c.ts";\n/** Class. */\nexport class C {\n  /** Made. */\n  static of() {}\n}',
    "src/a/c.ts":
      "/** F. */\nexport function f() {}\n/** G. */\n\n/* no */\nexport const g = () => 1;\n/** N. */\nexport const N = 1;",
  };

  it("are found where they are declared, with their comments", () => {
    expect(publicValues("a", (path) => parseSource(path, sources[path] ?? ""))).toEqual([
      { name: "a.C", isCallable: true, comments: ["* Class. ", "* Made. "] },
      { name: "a.f", isCallable: true, comments: ["* F. "] },
      { name: "a.h", isCallable: true, comments: [] },
      { name: "a.N", isCallable: false, comments: ["* N. "] },
    ]);
  });
});
