import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { generateWrappers } from "./wrappers.ts";

/** The wrappers' file, seen from the compiled script. */
const TARGET = fileURLToPath(new URL("../../../../src/torch/generated/tensor.ts", import.meta.url));

writeFileSync(TARGET, generateWrappers());
process.stdout.write(`${TARGET}\n`);
