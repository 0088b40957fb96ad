import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../src/base/errors.ts";
import {
  budgetViolations,
  crowdedFolders,
  EXCEPTIONS,
  MAX_FILES,
  MAX_LINES,
  MAX_UTILS_LINES,
} from "./architecture/budgets.ts";
import { circles } from "./architecture/circles.ts";
import { unusedPromises } from "./architecture/faces.ts";
import { FLOORS, floorViolations, reachViolations, WAYS_OUT } from "./architecture/floors.ts";
import { brokenLinks, forbiddenNames, looseNonNulls, undocumentedExports, wordsOf } from "./architecture/naming.ts";
import { isTest, listSources, parseSource, readSources } from "./architecture/source.ts";

// This file runs as dist/test/architecture.test.js.
const ROOT = join(import.meta.dirname, "..", "..");
const ENDINGS = [".ts", ".mjs", ".py", ".cc", ".h"];
const sources = readSources(ROOT, "src");
const shipped = sources.filter(({ path }) => !isTest(path));

/** The error codes of the table in a Markdown text. */
const codesOf = (markdown: string) => [...markdown.matchAll(/^\|\s*`?([A-Z][A-Z0-9_]+)`?\s*\|/gm)].map((row) => row[1]);

describe("floors", () => {
  const file = (path: string, text: string) => parseSource(path, text);

  it("has a floor for every folder of src", () => {
    const folders = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).filter((name) => !FLOORS.some((floor) => floor === name))).toEqual([]);
  });

  it("imports only from the same floor or lower ones", () => {
    expect(floorViolations(sources)).toEqual([]);
  });

  it.each([
    ["a static import", 'import { a } from "../train/a.ts";'],
    ["a type", 'import type { A } from "../train/a.ts";'],
    ["an import type", 'type A = import("../train/a.ts").A;'],
    ["a dynamic import", 'await import("../train/a.ts");'],
    ["a side effect", 'import "../train/a.ts";'],
    ["a re-export", 'export { a } from "../train/a.ts";'],
    ["a re-export of all", 'export * as a from "../train/a.ts";'],
    ["a worker", 'new Worker(new URL("../train/a.js", import.meta.url));'],
    ["a folder that is no floor", 'import { a } from "../utilities/a.ts";'],
    ["a file outside of src", 'import { a } from "../../test/a.ts";'],
  ])("finds %s that goes up or out", (_, text) => {
    expect(floorViolations([file("src/torch/b.ts", text)])).toHaveLength(1);
  });

  it("lets out of src only what is listed with a reason, and lists nothing that is gone", () => {
    for (const { from, to, reason } of WAYS_OUT) {
      expect(sources.find(({ path }) => path === from)?.imports.map(({ path }) => path)).toContain(to);
      expect(reason.length).toBeGreaterThan(20);
    }
    expect(
      floorViolations([file("src/cli/commands/a.ts", 'await import("../../../bench/registry.ts");')]),
    ).toHaveLength(1);
  });

  it("finds a folder that is no floor, and what only the design forbids", () => {
    expect(floorViolations([file("src/extras/b.ts", 'import "../config/a.ts";')])).toHaveLength(1);
    expect(floorViolations([file("src/report/b.ts", 'import "../features/a.ts";')])).toHaveLength(1);
  });

  it("lets pass what goes down, sideways or to packages, and tests that use test/", () => {
    const text = 'import "../ops/a.ts"; import "../torch/a.ts"; import "./c.ts"; import "node:fs"; import "yaml";';
    expect(floorViolations([file("src/nn/b.ts", text)])).toEqual([]);
    expect(floorViolations([file("src/nn/b.test.ts", 'import "../../test/a.ts";')])).toEqual([]);
  });

  it("has no circle of imports, of types either", () => {
    expect(circles(sources)).toEqual([]);
  });

  it("finds a circle over any number of files, and a way that is none", () => {
    const a = file("src/nn/a.ts", 'import type { B } from "./b.ts";');
    const b = file("src/nn/b.ts", 'import "./c.ts";');
    expect(circles([a, b, file("src/nn/c.ts", 'import "./a.ts";')])).toEqual(["src/nn/a.ts, src/nn/b.ts, src/nn/c.ts"]);
    expect(circles([a, b, file("src/nn/c.ts", "")])).toEqual([]);
  });

  it("never loads torch, train or transfer from serve, however long the way", () => {
    expect(reachViolations(sources)).toEqual([]);
  });

  it("finds a long way from serve to torch, and none through types", () => {
    const middle = 'import "../torch/c.ts";';
    const torch = file("src/torch/c.ts", "");
    const loaded = [file("src/serve/a.ts", 'import "../export/b.ts";'), file("src/export/b.ts", middle), torch];
    expect(reachViolations(loaded)).toEqual(["src/serve/a.ts → src/export/b.ts → src/torch/c.ts"]);
    const typed = [file("src/serve/a.ts", 'import type { B } from "../export/b.ts";'), file("src/export/b.ts", middle)];
    expect(reachViolations([...typed, torch])).toEqual([]);
  });
});

describe("budgets", () => {
  const lines = (count: number) => "x\n".repeat(count);

  it("keeps every file of ours within its lines", () => {
    const folders = ["src", "test", "bench", "examples", "scripts", "native"];
    const paths = folders.flatMap((folder) => listSources(ROOT, folder, ENDINGS));
    expect(paths).toContain("src/base/errors.ts");
    expect(budgetViolations(paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") })))).toEqual([]);
  });

  it("finds a file of one line too many", () => {
    expect(budgetViolations([{ path: "src/nn/a.ts", text: lines(MAX_LINES) }])).toEqual([]);
    expect(budgetViolations([{ path: "src/nn/a.ts", text: lines(MAX_LINES + 1) }])).toHaveLength(1);
    expect(budgetViolations([{ path: "src/nn/utils.ts", text: lines(MAX_UTILS_LINES + 1) }])).toHaveLength(1);
  });

  it("keeps every folder of ours within its files", () => {
    const folders = ["src", "test", "bench", "examples", "scripts", "native"];
    expect(crowdedFolders(folders.flatMap((folder) => listSources(ROOT, folder, ENDINGS)))).toEqual([]);
  });

  it("finds a folder of one file too many", () => {
    const paths = Array.from({ length: MAX_FILES + 1 }, (_, i) => `src/nn/a${i}.ts`);
    expect(crowdedFolders(paths.slice(1))).toEqual([]);
    expect(crowdedFolders(paths)).toHaveLength(1);
  });

  it("excepts only what is listed with a reason", () => {
    expect(budgetViolations([{ path: "src/torch/generated/a.ts", text: lines(MAX_LINES + 1) }])).toEqual([]);
    expect(EXCEPTIONS.every(({ reason }) => reason.length > 20)).toBe(true);
  });
});

describe("names", () => {
  const inFile = (text: string) => [parseSource("src/nn/a.ts", text)];

  it("documents every exported name", () => {
    expect(undocumentedExports(shipped)).toEqual([]);
  });

  it.each([
    "export const a = 1;",
    "// A line is no doc comment.\nexport function a() {}",
    "/* Neither is a plain block. */\nexport class A {}",
    "/** Of b. */\nconst b = 1;\nexport interface A {}",
    "const a = 1;\nexport { a };",
    "/** Of the type only. */\nexport type A = 1;\nexport const A = 1;",
  ])("finds the name without a doc comment in %j", (text) => {
    expect(undocumentedExports(inFile(text))).toHaveLength(1);
  });

  it("accepts doc comments before overloads, lists of names and instructions to the linter", () => {
    const texts = [
      "/** A. */\nexport function a(x: 1): 1;\nexport function a(x: 2): 2;\nexport function a(x: 1 | 2) { return x; }",
      "/** A, größer ≥ 1. */\nconst a = 1;\nexport { a };",
      "/** A. */\n// biome-ignore lint/x/y: reason\nexport const a = 1;",
      'export { a } from "./b.ts";',
    ];
    expect(texts.flatMap((text) => undocumentedExports(inFile(text)))).toEqual([]);
  });

  it("links in doc comments only to what the file declares or imports", () => {
    expect(brokenLinks(sources)).toEqual([]);
    const text = `import { A } from "./a.ts";\n/** {@link A}, {@link B.b}, {@link c | so}, {@link D} */\nclass B {\n  c() {}\n}`;
    expect(brokenLinks(inFile(text))).toEqual([expect.stringMatching(/: D$/)]);
  });

  it("uses no name that means two things or nothing", () => {
    expect(forbiddenNames(shipped)).toEqual([]);
  });

  it.each(["const fm = 1;", "const fmBlock = 1;", "f(x.FM);", "class RunManager {}", "interface PathHelpers {}"])(
    "finds the forbidden name in %j",
    (text) => {
      expect(forbiddenNames(inFile(text))).toHaveLength(1);
    },
  );

  it("takes no other word for a forbidden one", () => {
    expect(wordsOf("atomicFMBlockOf2_XY")).toEqual(["atomic", "fm", "block", "of", "2", "xy"]);
    expect(forbiddenNames(inFile("const fmt = 1; class FactorizationMachine {} // fm Manager"))).toEqual([]);
  });

  it("asserts non-null only of elements", () => {
    expect(looseNonNulls(shipped)).toEqual([]);
    expect(looseNonNulls(inFile("f(x!); g(x.y!); h(x[0]!);"))).toEqual(["src/nn/a.ts: x!", "src/nn/a.ts: x.y!"]);
  });
});

describe("errors", () => {
  it("lists the same codes in code and in docs/errors.md", () => {
    const documented = codesOf(readFileSync(join(ROOT, "docs", "errors.md"), "utf8"));
    expect(documented.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });

  it("reads codes from a table, not from text", () => {
    expect(codesOf("A_CODE | no\n| code | meaning |\n|---|---|\n| `A_B` | x |\n| C2 | `D_E` |")).toEqual(["A_B", "C2"]);
  });
});

describe("the faces of the package", () => {
  const file = (path: string, text: string) => parseSource(path, text);
  const face = file(
    "src/nn/index.ts",
    'export { used, type Kind } from "./a.ts"; export type { Other } from "./a.ts";',
  );
  const declared = file("src/nn/a.ts", "export function used() {}");

  it("export no value that only tests use", () => {
    const callers = ["bench", "examples"].flatMap((folder) => readSources(ROOT, folder));
    expect(unusedPromises([...sources, ...callers])).toEqual([]);
  });

  it("may export what another file uses, or its own file", () => {
    expect(unusedPromises([face, declared, file("src/cli/b.ts", 'import { used } from "../nn/index.ts";')])).toEqual(
      [],
    );
    expect(unusedPromises([face, file("src/nn/a.ts", "export function used() {} used();")])).toEqual([]);
  });

  it.each([
    ["nothing", []],
    ["a test", [file("src/cli/b.test.ts", 'import { used } from "../nn/index.ts";')]],
    ["support of tests", [file("src/nn/testing.ts", "used();")]],
  ])("are found to promise what %s uses", (_, users) => {
    expect(unusedPromises([face, declared, ...users])).toEqual(["src/nn/index.ts exports used"]);
  });
});
