import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../cli/lapidary.ts";

const read = <T>(path: string): T => JSON.parse(readFileSync(join(ROOT, path), "utf8")) as T;

/** The paths that a pattern with one list in braces stands for. */
function expand(pattern: string): readonly string[] {
  const [, before = "", list = "", after = ""] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? [];
  return list === "" ? [pattern] : list.split(",").map((name) => `${before}${name}${after}`);
}

it("the API reference is of all faces of the package", () => {
  const { entryPoints } = read<{ readonly entryPoints: readonly string[] }>("docs/typedoc.json");
  const { exports } = read<{ readonly exports: Record<string, { readonly types?: string }> }>("package.json");
  const sources = Object.values(exports).flatMap(({ types }) =>
    types === undefined ? [] : [join(ROOT, types.replace("/dist/", "/").replace(/\.d\.ts$/, ".ts"))],
  );
  expect(
    entryPoints
      .flatMap(expand)
      .map((path) => resolve(ROOT, "docs", path))
      .sort(),
  ).toEqual(sources.sort());
});
