import { describe, expect, it } from "vitest";
import { lapidary, ROOT } from "./lapidary.ts";

/** Every command, with what its help must list: arguments and options of its own. A new command needs a row. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  init: ["DIR", "--from <FILE>"],
  evaluate: ["--split <WINDOW>", "--baseline <RUN>", "--out <FILE>", "--config <PATH>", "--set <KEY=VALUE>"],
  train: ["--run <NAME>", "--fresh", "--processes <N>", "--config <PATH>", "--set <KEY=VALUE>"],
  simulate: ["--force", "--config <PATH>", "--set <KEY=VALUE>"],
  ingest: ["--force", "--config <PATH>", "--set <KEY=VALUE>"],
  describe: ["--out <FILE>", "--config <PATH>", "--set <KEY=VALUE>"],
  generate: ["NAME", "--slices <LENGTH>", "--run <NAME>", "--from <TIME>", "--until <TIME>", "--config <PATH>"],
  transfer: ["NAME", "--run <NAME>", "--fresh", "--config <PATH>", "--set <KEY=VALUE>"],
  scale: ["STUDY", "--parallel <N>", "--fresh", "--config <PATH>", "--set <KEY=VALUE>"],
  export: ["RUN", "--out <DIR>", "--config <PATH>", "--set <KEY=VALUE>"],
  backfill: ["--teacher <NAME>", "--store <KIND>", "--store-at <PLACE>", "--config <PATH>", "--set <KEY=VALUE>"],
  audit: ["RUN", "--bundle <DIR>", "--url <URL>", "--split <WINDOW>", "--store <KIND>", "--store-at <PLACE>"],
  bench: ["NAME", "--cases <A,B>", "--pairs <N>", "--no-peer"],
  serve: [
    "--bundle <DIR>",
    "--bundles <DIR>",
    "--port <N>",
    "--host <ADDRESS>",
    "--workers <N>",
    "--max-queued <N>",
    "--store <KIND>",
    "--store-at <PLACE>",
    "--config <PATH>",
  ],
  predict: [
    "RUN",
    "--input <FILES...>",
    "--out <FILE>",
    "--bundle <DIR>",
    "--embeddings",
    "--force",
    "--config <PATH>",
  ],
  runs: ["ACTION", "RUN", "--yes", "--config <PATH>", "--set <KEY=VALUE>"],
  doctor: ["--config <PATH>", "--set <KEY=VALUE>"],
};

describe("help", () => {
  it("lists the commands", async () => {
    const { code, stdout, stderr } = await lapidary(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const listed = [...(stdout.split("Commands:\n")[1] ?? "").matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual(Object.keys(COMMANDS).toSorted());
  });

  it.each(Object.keys(COMMANDS))("of %s has its arguments, options and an example", async (name) => {
    const { code, stdout } = await lapidary([name, "--help"]);
    expect(code).toBe(0);
    const [, listed = "", example = ""] = /^(.*)\nExample:\n(.*)$/s.exec(stdout) ?? [];
    for (const option of [...(COMMANDS[name] ?? []), "--json", "--help"]) expect(listed).toContain(`${option}  `);
    expect(example).toMatch(new RegExp(`^ {2}\\$ lapidary ${name}( |$)`, "m"));
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("reads as it should", async () => {
    expect((await lapidary(["ingest", "-h"])).stdout).toBe(`Usage: lapidary ingest [options]

Reads the log into the event store. Rows that cannot be used go to a dead-letter
file, each with its reason. A store that was made from the same files and the
same configuration is left as it is. Files that are as they were at the ingest
before are not read again.

Options:
  --force            writes the store again even if it was made from these very
                     files
  --config <PATH>    configuration file, or a folder with one; the working
                     folder by default
  --set <KEY=VALUE>  overrides a value of the configuration (a.b=c, +a.b=c,
                     ++a.b=c, ~a.b); may be repeated
  --json             writes the result as one line of JSON, and nothing else, to
                     stdout
  -h, --help         writes this text

Example:
  $ lapidary ingest --set events.from=logs/*.parquet
`);
  });

  it("loads no native library, so that it starts at once", async () => {
    const print =
      'process.on("exit",()=>console.error(process.report.getReport().sharedObjects.filter((p)=>p.endsWith(".node")).join()))';
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(print)}` };
    expect(await lapidary(["--help"], { env })).toMatchObject({ code: 0, stderr: "\n" });
    // What is looked for is found where it must be loaded.
    const { stderr } = await lapidary(["bench", "dispatch", "--cases", "none", "--no-peer"], { env });
    expect(stderr).toContain("lapidary.node");
  });

  it("has the version of the package", async () => {
    const { version } = await import(`${ROOT}/package.json`, { with: { type: "json" } }).then(
      (file: { default: { version: string } }) => file.default,
    );
    expect(await lapidary(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});
