import { existsSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { makeFolder } from "../../config/durable-file.ts";
import { LapidaryError } from "../../config/errors.ts";
import { defineCommand } from "../command.ts";

/** `lapidary init DIR`: a commented configuration and a small log to try it on. */
export const init = defineCommand({
  name: "init",
  summary: "writes a commented configuration and a small sample log",
  description:
    "Writes a commented configuration, its schema for editors, and a small synthetic log into a folder, which is made " +
    "if it is not there. Nothing is overwritten. It reads no configuration, so it takes no --config and no --set.",
  args: [{ name: "DIR", description: "folder to write into", required: true }],
  options: {},
  readsProject: false,
  example: "lapidary init my-project",
  resume: "Run `lapidary init` again.",
  run: async ({ args: [dir = "."] }) => {
    const folder = resolve(dir);
    const texts = await textsOf();
    const names = Object.keys(texts);
    const { CONFIG_NAMES } = await import("../../config/load.ts");
    // A configuration of another format would be hidden by ours, or hide it.
    const taken = [...new Set([...names, ...CONFIG_NAMES])].filter((name) => existsSync(join(folder, name)));
    if (taken.length > 0) throw exists(folder, taken);
    makeFolder(folder);
    // Exclusive: a file that appeared since is not overwritten either.
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text, { flag: "wx" });
    const written = names.map((name) => join(folder, name));
    const enter = relative(process.cwd(), folder) === "" ? [] : [`  cd ${quoted(dir)}`];
    const next = [...enter, "  lapidary ingest", "  lapidary train foundation"];
    return {
      result: { folder, files: written },
      text: `${written.map((path) => `wrote ${path}`).join("\n")}\n\nNext:\n${next.join("\n")}`,
    };
  },
});

/** The files to write, by name. */
async function textsOf(): Promise<Readonly<Record<string, string>>> {
  const [{ schemaText }, { SAMPLE_CONFIG }, { sampleLog }] = await Promise.all([
    import("../../config/schema.ts"),
    import("../sample-config.ts"),
    import("../sample-log.ts"),
  ]);
  return { "lapidary.config.ts": SAMPLE_CONFIG, "lapidary.schema.json": schemaText(), "events.csv": sampleLog() };
}

/** A path as a shell reads it back. */
function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
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
