/** `npm run docs`: writes what is made from the schema of the configuration anew, for people and for editors. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../cli/lapidary.ts";
import { configPage } from "./config-page.ts";
import { configTypes } from "./config-types.ts";

writeFileSync(join(ROOT, "docs", "config.md"), configPage());
writeFileSync(join(ROOT, "src", "config", "user-config.ts"), configTypes());
