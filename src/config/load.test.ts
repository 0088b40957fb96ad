import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONFIG_NAMES, findConfig, loadProject } from "./load.ts";

const YAML = `# a comment
events:
  from: data/*.csv
  user: u
  item: i
  time: { from: ts, unit: s }
  action: { value: impression }
  surface: placement
objectives:
  click: { from: is_click, delay: 15m }
split: { trainUntil: 2022-04-18, validationUntil: 2022-04-20, testUntil: 2022-04-22 }
models:
  first: { kind: previous, training: { learningRate: 1e-2 } }
`;
const JSON_TEXT = JSON.stringify({
  events: {
    from: "data/*.csv",
    user: "u",
    item: "i",
    time: { from: "ts", unit: "s" },
    action: { value: "impression" },
    surface: "placement",
  },
  objectives: { click: { from: "is_click", delay: "15m" } },
  split: { trainUntil: "2022-04-18", validationUntil: "2022-04-20", testUntil: "2022-04-22" },
  models: { first: { kind: "previous", training: { learningRate: 1e-2 } } },
});
const TYPESCRIPT = `import { defineProject } from "lapidary";
const delay: string = "15m";
export default defineProject(${JSON_TEXT.replace('"15m"', "delay")});
`;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lapidary-config-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

describe("loadProject", () => {
  it("reads TypeScript, JavaScript, YAML and JSON as equal configurations", async () => {
    const javaScript = TYPESCRIPT.replace("delay: string", "delay");
    const texts = { ts: TYPESCRIPT, js: javaScript, mjs: javaScript, yaml: YAML, yml: YAML, json: JSON_TEXT };
    const configs = [];
    for (const [ending, text] of Object.entries(texts)) {
      configs.push(await loadProject({ config: await write(`lapidary.config.${ending}`, text) }));
    }
    expect(configs[0]?.events.outcomes["click"]?.delayMs).toBe(900_000);
    for (const config of configs) expect(config).toEqual(configs[0]);
    expect((await readdir(folder)).sort()).toEqual([...CONFIG_NAMES].sort());
  });

  it("finds the file in a folder and applies overrides", async () => {
    const file = await write("lapidary.config.yaml", YAML);
    expect(await findConfig(folder)).toBe(file);
    const config = await loadProject({ config: folder, set: ["training.epochs=4", "~models.first.training"] });
    expect(config.root).toBe(folder);
    expect(config.models["first"]?.training).toMatchObject({ epochs: 4, learningRate: 1e-3 });
  });

  it("reads a file again after it was changed", async () => {
    await write("lapidary.config.ts", TYPESCRIPT);
    await loadProject({ config: folder });
    await write("lapidary.config.ts", TYPESCRIPT.replace("15m", "1h"));
    expect((await loadProject({ config: folder })).events.outcomes["click"]?.delayMs).toBe(3_600_000);
  });

  it("says where it looked", async () => {
    await expect(loadProject({ config: folder })).rejects.toMatchObject({ code: "CONFIG_NOT_FOUND", where: folder });
  });

  it.each([
    ["a.yaml", "events: 1\nevents: 2\n", ":2:1"],
    ["a.yaml", "a:\n  - [1\nb: 2", ":3:"],
    ["a.json", '{\n  "a": 1,\n  }', ":3"],
    ["a.json", '{\n "a": 1,\n "a": 2\n}', ":3:2"],
    ["a.json", '{"a": tru}', ":1"],
    [
      "a.yaml",
      "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d]",
      "",
    ],
    ["a.ts", "export default {", ""],
    ["a.ts", "throw new Error('no');", ""],
    ["a.toml", "a = 1", ""],
  ])("%s with %j is unreadable", async (name, text, line) => {
    const file = await write(name, text);
    await expect(loadProject({ config: file })).rejects.toMatchObject({
      code: "CONFIG_UNREADABLE",
      where: expect.stringContaining(`${file}${line}`) as string,
    });
  });
});
