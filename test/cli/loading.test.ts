/** Commands that read no log start without the query engine, which takes longer to load than they run. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initSmall, lapidary, temporaryFolder } from "./lapidary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  writeFileSync(
    join(folder.path, "hook.mjs"),
    `import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(process.env.LOADED, JSON.stringify(process.report.getReport().sharedObjects)));`,
  );
  await initSmall(project);
});
afterAll(() => folder[Symbol.dispose]());

/** Whether a command loads the engine; it must succeed. */
async function loadsEngine(...args: readonly string[]): Promise<boolean> {
  const loaded = join(folder.path, "loaded.json");
  const env = { NODE_OPTIONS: `--import file://${join(folder.path, "hook.mjs")}`, LOADED: loaded };
  const ended = await lapidary(args, { cwd: project, env });
  expect(ended.code, `${args.join(" ")}\n${ended.stderr}`).toBe(0);
  const paths = JSON.parse(readFileSync(loaded, "utf8")) as readonly string[];
  return paths.some((path) => path.includes("duckdb"));
}

describe("the query engine", () => {
  it("is loaded by ingest, and by no command that reads the store alone", async () => {
    expect(await loadsEngine("ingest")).toBe(true);
    expect(await loadsEngine("describe")).toBe(false);
    expect(await loadsEngine("train", "baseRate")).toBe(false);
    expect(await loadsEngine("evaluate", "baseRate")).toBe(false);
    expect(await loadsEngine("runs")).toBe(false);
  });
});
