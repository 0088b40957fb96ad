import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";
import type { Evaluation } from "../../src/evaluate/index.ts";
import { lapidary, lastLine, ROOT, temporaryFolder } from "./lapidary.ts";

/** The commands that README gives for a project of one's own, as they stand. */
function quickStart(): readonly string[] {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const block = /^## A project of your own\n+```sh\n(.*?)^```$/ms.exec(readme)?.[1] ?? "";
  return block.trimEnd().split("\n");
}

/** A folder in which `npx lapidary` is this checkout's command. */
function shimIn(folder: string): string {
  const shims = join(folder, "shims");
  mkdirSync(shims);
  const main = join(ROOT, "dist", "src", "cli", "main.js");
  const script = `#!/bin/sh\n[ "$1" = lapidary ] || exit 127\nshift\nexec "${process.execPath}" "${main}" "$@"\n`;
  writeFileSync(join(shims, "npx"), script, { mode: 0o755 });
  return shims;
}

it("the quick start of README runs as it stands in an empty folder, and each model is better than the one before", async () => {
  using folder = temporaryFolder();
  const shims = shimIn(folder.path);
  const cwd = join(folder.path, "empty");
  mkdirSync(cwd);
  const commands = quickStart();
  expect(commands.filter((line) => line.startsWith("npx lapidary "))).toHaveLength(commands.length);
  expect(commands.length).toBeGreaterThan(4);
  // After each line its exit status, as a shell has it.
  const script = commands.map((line) => `${line}\necho "status $?"\n`).join("");
  const env = { ...process.env, PATH: `${shims}${delimiter}${process.env["PATH"] ?? ""}` };
  const child = spawn("bash", ["-c", script], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  await once(child, "close");
  expect(stdout.match(/^status .*$/gm), stderr).toEqual(commands.map(() => "status 0"));
  expect(stdout).toMatch(/^click: foundation is better than baseRate/m);

  const evaluate = ["evaluate", "previous", "baseRate", "foundation", "--split", "test", "--json"];
  const { runs } = lastLine<Evaluation>(await lapidary(evaluate, { cwd: join(cwd, "shop") }));
  const entropies = Object.fromEntries(
    runs.map(({ run, objectives }) => [run, objectives["click"]?.overall.normalizedEntropy ?? Number.NaN]),
  );
  const { baseRate = 0, previous = 0, foundation = 0 } = entropies;
  expect(previous).toBeLessThan(baseRate);
  expect(foundation).toBeLessThan(previous);
  // The 95% intervals of the differences to the previous generation do not hold zero.
  const [, base, better] = runs.map(({ differences }) => differences?.["click"]?.normalizedEntropy);
  expect(base?.low).toBeGreaterThan(0);
  expect(better?.high).toBeLessThan(0);
});
