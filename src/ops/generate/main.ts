import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateWrappers } from "./wrappers.ts";

/** The sources, seen from the compiled script. */
const SOURCES = join(import.meta.dirname, "../../../../src");

for (const [file, text] of Object.entries(generateWrappers())) {
  writeFileSync(join(SOURCES, file), text);
  process.stdout.write(`src/${file}\n`);
}
