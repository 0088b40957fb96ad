// TypeScript: compiled whole into an empty dist/, so that no output of a deleted file stays behind.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, stage } from "./run.mjs";
import { hashOf, listFiles, readStamp } from "./stamp.mjs";

const DIST = join(ROOT, "dist");
const STAMP = join(DIST, ".stamp");
const FOLDERS = ["src", "test", "bench", "examples"];
const COMPILER = join(ROOT, "node_modules", "typescript");

/** Compiles if a source, the settings or the compiler changed. */
export function ensureTypeScript() {
  const isSource = (name, isFolder) => isFolder || /\.([cm]?tsx?|json)$/.test(name);
  const files = FOLDERS.flatMap((folder) => listFiles(join(ROOT, folder), isSource));
  const { version } = JSON.parse(readFileSync(join(COMPILER, "package.json"), "utf8"));
  const stamp = hashOf([...files, join(ROOT, "tsconfig.json")], { version });
  if (readStamp(STAMP) === stamp) return;
  stage("TypeScript", () => {
    rmSync(DIST, { recursive: true, force: true });
    run(process.execPath, [join(COMPILER, "bin", "tsc"), "-p", ROOT], { lines: 200 });
    writeFileSync(STAMP, stamp);
  });
}
