/** Every example of the guide to `events` is ingested as it stands, and says what the guide says. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ingestProject } from "../ingest/stored-events.ts";
import { lapidary, ROOT, temporaryFolder } from "./lapidary.ts";

const GUIDE = readFileSync(join(ROOT, "docs", "guide", "events.md"), "utf8");

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

/** What a configuration needs besides what an example says. */
const SPLIT = 'split: { trainUntil: "2025-03-04", validationUntil: "2025-03-05", testUntil: "2025-04-01" },';
const MODELS = 'models: { baseRate: { kind: "baseRate" } },';

/** One section: its files, each configuration, and the lines that ingesting the last one prints. */
interface Example {
  readonly title: string;
  readonly files: readonly (readonly [path: string, text: string])[];
  readonly configs: readonly string[];
  readonly printed: readonly string[];
}

function examples(): readonly Example[] {
  const sections = GUIDE.split(/^## /m).slice(1);
  return sections.map((section): Example => {
    const blocks = [...section.matchAll(/^```(\w+) ?([^\n]*)\n(.*?)^```$/gms)].map(([, kind, path, text]) => {
      return { kind, path: path ?? "", text: text ?? "" };
    });
    return {
      title: section.split("\n")[0] ?? "",
      files: blocks.flatMap(({ path, text }) => (path === "" ? [] : [[path, text] as const])),
      configs: blocks.filter(({ kind }) => kind === "ts").map(({ text }) => text),
      printed: blocks.filter(({ kind }) => kind === "text").flatMap(({ text }) => text.trimEnd().split("\n")),
    };
  });
}

function write(into: string, [path, text]: readonly [string, string]): void {
  mkdirSync(dirname(join(into, path)), { recursive: true });
  writeFileSync(join(into, path), text);
}

/** Writes what an example says, and what it leaves to the reader. */
function writeConfig(into: string, config: string): void {
  const split = /^split:/m.test(config) ? "" : SPLIT;
  writeFileSync(join(into, "lapidary.config.ts"), `export default {\n${config}${split}${MODELS}\n};\n`);
}

/** Ingests an example: what it printed, with single blanks between the words. */
async function ingested(into: string, config: string): Promise<string> {
  writeConfig(into, config);
  const ended = await lapidary(["ingest"], { cwd: into });
  expect(ended.code, `${config}\n${ended.stderr}`).toBe(0);
  return ended.stdout.replaceAll(/ +/g, " ");
}

const EXAMPLES = examples().filter(({ configs }) => configs.length > 0);

describe("the guide to events", () => {
  it.each(EXAMPLES)("$title", async ({ title, files, configs, printed }) => {
    const into = join(folder.path, title.replaceAll(/\W+/g, "-"));
    mkdirSync(into);
    for (const file of files) write(into, file);
    let said = "";
    for (const config of configs) said = await ingested(into, config);
    expect(printed.length).toBeGreaterThan(0);
    for (const line of printed) expect(said.split("\n")).toContain(line.replaceAll(/ +/g, " "));
  });

  it("has examples of all that it speaks of", () => {
    expect(EXAMPLES.map(({ title }) => title)).toEqual([
      ...["Keys and attributes", "Times", "Outcomes", "Positives only", "Splits", "Folders and queries", "Bad rows"],
    ]);
  });

  it("names the other splits as they are written", async () => {
    const { files = [], configs = [] } = EXAMPLES.find(({ title }) => title === "Splits") ?? {};
    const splits = [...GUIDE.matchAll(/`(split: \{ [^`]*\} *\}?)`/g)].map(([, text]) => text ?? "");
    expect(splits).toHaveLength(3);
    const into = join(folder.path, "splits");
    mkdirSync(into);
    const [, text = ""] = files[0] ?? [];
    const [header = "", ...rows] = text.trimEnd().split("\n");
    for (const [i, name] of ["a1.csv", "b.csv", "c.csv"].entries()) write(into, [name, `${header}\n${rows[i]}\n`]);
    for (const split of splits) {
      const config = (configs[0] ?? "")
        .replace(/^split:.*$/m, `${split},`)
        .replace('"log.csv"', '["a1.csv", "b.csv", "c.csv"]');
      writeConfig(into, config);
      const { events } = await ingestProject({ config: into, store: join(into, "store") });
      expect(events).toHaveLength(3);
    }
  });
});
