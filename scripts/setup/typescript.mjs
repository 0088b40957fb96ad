// TypeScript: compiled whole into an empty dist/, so that no output of a deleted file stays behind.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run } from "./run.mjs";
import { stage } from "./stage.mjs";
import { hashOf, listFiles, readStamp } from "./stamp.mjs";

const DIST = join(ROOT, "dist");
const STAMP = join(DIST, ".stamp");
const FOLDERS = ["src", "test", "bench", "examples"];
const COMPILER = join(ROOT, "node_modules", "typescript");

/** Compiles if a source, the settings or the compiler changed. An installed package has no sources: it is compiled. */
export async function ensureTypeScript() {
  if (!existsSync(join(ROOT, "tsconfig.json"))) return;
  const isSource = (name, isFolder) => isFolder || /\.([cm]?tsx?|json)$/.test(name);
  const files = FOLDERS.flatMap((folder) => listFiles(join(ROOT, folder), isSource));
  const { version } = JSON.parse(readFileSync(join(COMPILER, "package.json"), "utf8"));
  const stamp = hashOf([...files, join(ROOT, "tsconfig.json")], { version });
  if (readStamp(STAMP) === stamp) return;
  await stage("TypeScript", async () => {
    rmSync(DIST, { recursive: true, force: true });
    await run(process.execPath, [join(COMPILER, "bin", "tsc"), "-p", ROOT], { lines: 200 });
    writeFileSync(STAMP, stamp);
  });
}
