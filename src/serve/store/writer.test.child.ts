/** Appends events one after the other and writes the number of each that was acknowledged; the test kills it. */
import { writeSync } from "node:fs";
import { openOnlineStore } from "./open-store.ts";

const [kind = "", at = "", prefix = ""] = process.argv.slice(2);
const store = await openOnlineStore({ kind: kind === "redis" ? "redis" : "lmdb", at });
for (let i = 0; ; i++) {
  await store.append([{ user: "u", id: `${prefix}${i}`, timeMs: i, facts: { item: `item ${i}` } }]);
  writeSync(1, `${i}\n`);
}
