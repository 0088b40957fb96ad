import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

/** Native libraries that a process has loaded once it has imported these parts. */
function loadedBy(...parts: readonly string[]): readonly string[] {
  const urls = parts.map((part) => new URL(`../../src/${part}`, import.meta.url).href);
  const program = `
    await Promise.all(${JSON.stringify(urls)}.map((url) => import(url)));
    console.log(JSON.stringify(process.report.getReport().sharedObjects));
  `;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  return JSON.parse(said) as string[];
}

it("training and serving start without the query engine of ingest", () => {
  const isEngine = (path: string): boolean => path.includes("duckdb");
  expect(loadedBy("train/index.js", "transfer/index.js", "serve/index.js").filter(isEngine)).toEqual([]);
  // What is looked for is found where it must be loaded.
  expect(loadedBy("data/ingest/ingest.js").some(isEngine)).toBe(true);
});
