/** `npm run docs`: writes `docs/config.md` anew. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../cli/lapidary.ts";
import { configPage } from "./config-page.ts";

writeFileSync(join(ROOT, "docs", "config.md"), configPage());
