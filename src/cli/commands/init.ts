import { existsSync, rmdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import { makeFolder } from "../../files/durable-file.ts";
import type { ConfigTextOptions, Proposal } from "../../propose/index.ts";
import { defineCommand } from "../command.ts";
import { repeated, text } from "../option.ts";
import { proposalText } from "../screen/proposal-text.ts";

/** `lapidary init DIR`: a commented configuration, for a log of one's own or for a sample to try it on. */
export const init = defineCommand({
  name: "init",
  summary: "writes a configuration, for your files or a sample log",
  description:
    "Writes a commented configuration and its schema for editors into a folder, which is made if it is not there. " +
    "With --from or --sql it looks at your log and proposes what their fields are, each with its reason; without, it adds a " +
    "synthetic log. Nothing is overwritten. It reads no configuration, so it takes no --config and no --set.",
  args: [
    { name: "DIR", description: "folder to write into", required: true },
    { name: "FILE", description: "more files of the log, after --from", required: false, many: true },
  ],
  options: {
    from: repeated("FILE", "a file or glob of your log: CSV, TSV, JSONL or Parquet; may be repeated"),
    sql: text(
      "QUERY",
      "a query of DuckDB whose rows are your log; its paths are relative to DIR, as in the configuration",
    ),
  },
  readsProject: false,
  example: "lapidary init my-project --from logs/*.parquet",
  resume: "Run `lapidary init` again.",
  run: async ({ args: [dir = ".", ...files], options: { from, sql = null } }) => {
    const folder = resolve(dir);
    const patterns = [...from, ...files];
    if (from.length === 0 && files.length > 0) throw withoutFrom(files);
    if (sql !== null && patterns.length > 0) throw twoSources();
    const hasLog = sql !== null || patterns.length > 0;
    await checkNew(folder, hasLog);
    const { texts, proposal } = hasLog ? await projectOf({ folder, patterns, query: sql }) : await sampleProject();
    const written = write(folder, texts);
    const enter = relative(process.cwd(), folder) === "" ? [] : [`  cd ${quoted(dir)}`];
    const next = [...enter, "  lapidary ingest", `  lapidary train ${proposal === null ? "foundation" : "previous"}`];
    const lines = written.map((path) => `wrote ${path}`).join("\n");
    const shown = proposal === null ? "" : `${proposalText(proposal)}\n\n`;
    return {
      result: { folder, files: written, ...(proposal === null ? {} : { proposal }) },
      text: `${shown}${lines}\n\nNext:\n${next.join("\n")}`,
    };
  },
});

interface Project {
  /** The files to write, by name. */
  readonly texts: Readonly<Record<string, string>>;
  readonly proposal: Proposal | null;
}

const CONFIG_FILE = "lapidary.config.ts";
const SCHEMA_FILE = "lapidary.schema.json";
const SAMPLE_FILE = "events.csv";

async function sampleProject(): Promise<Project> {
  const { SAMPLE_CONFIG } = await import("../sample/sample-config.ts");
  const { sampleLog } = await import("../sample/sample-log.ts");
  const texts = { [CONFIG_FILE]: SAMPLE_CONFIG, [SCHEMA_FILE]: await schema(), [SAMPLE_FILE]: sampleLog() };
  return { texts, proposal: null };
}

async function projectOf(options: ConfigTextOptions): Promise<Project> {
  const { configText, propose } = await import("../../propose/index.ts");
  const { folder, patterns, query } = options;
  // The paths of a query start at the folder, so that it has to be there.
  const isNew = query !== null && !existsSync(folder);
  if (isNew) makeFolder(folder);
  const { proposal } = await propose(query === null ? patterns : { query, folder }).catch((error: unknown) => {
    if (isNew) rmdirSync(folder);
    throw error;
  });
  return { texts: { [CONFIG_FILE]: configText(proposal, options), [SCHEMA_FILE]: await schema() }, proposal };
}

async function schema(): Promise<string> {
  const { schemaText } = await import("../../config/schema.ts");
  return schemaText();
}

/** @throws {LapidaryError} INIT_EXISTS if a file of the project is there already */
async function checkNew(folder: string, hasLog: boolean): Promise<void> {
  const { CONFIG_NAMES } = await import("../../config/load.ts");
  // A configuration of another format would be hidden by ours, or hide it.
  const names = new Set([CONFIG_FILE, SCHEMA_FILE, ...(hasLog ? [] : [SAMPLE_FILE]), ...CONFIG_NAMES]);
  const taken = [...names].filter((name) => existsSync(join(folder, name)));
  if (taken.length > 0) throw exists(folder, taken);
}

/** Writes the files; a file that appeared since is not overwritten either. */
function write(folder: string, texts: Project["texts"]): readonly string[] {
  makeFolder(folder);
  return Object.entries(texts).map(([name, text]) => {
    writeFileSync(join(folder, name), text, { flag: "wx" });
    return join(folder, name);
  });
}

/** A path as a shell reads it back. */
function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function withoutFrom(files: readonly string[]): LapidaryError {
  return new LapidaryError({
    code: "USAGE",
    where: "lapidary init",
    expected: "one folder, or files after --from",
    got: files.join(" "),
    hint: "Run `lapidary init --help`.",
  });
}

function twoSources(): LapidaryError {
  return new LapidaryError({
    code: "USAGE",
    where: "lapidary init",
    expected: "files or a query",
    got: "--from and --sql",
    hint: "Leave one of the two out; a query can name any files.",
  });
}

function exists(folder: string, taken: readonly string[]): LapidaryError {
  return new LapidaryError({
    code: "INIT_EXISTS",
    where: folder,
    expected: "a folder without a project",
    got: taken.join(", "),
    hint: "Choose another folder, or move these files away; nothing was written.",
  });
}
