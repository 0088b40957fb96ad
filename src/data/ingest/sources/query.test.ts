import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { eventsConfig, temporaryFolder } from "../../events.test.support.ts";
import { ingest } from "../ingest.ts";

it("reads its project's files, not those of the working folder", async () => {
  using folder = temporaryFolder();
  expect(existsSync("README.md")).toBe(true);
  const rows = ["event_id,user_id,ad_id,ts,action", "e,u,a,1600000000000,view"];
  writeFileSync(join(folder.path, "README.md"), rows.join("\n"));
  const sql = { query: "FROM read_csv('README.md')", folder: folder.path };
  const config = eventsConfig("", "parquet", { sql, origin: { value: "organic" }, attributes: {}, outcomes: {} });
  const { rows: counts } = await ingest(config, { store: join(folder.path, "store"), threads: 1 });
  expect(counts).toMatchObject({ rowsRead: 1, accepted: 1 });
});
