/** Files of text in which quotation marks mean nothing. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventsConfig, temporaryFolder } from "../../events.test.support.ts";
import { EventStore } from "../../store/event-store.ts";
import { ingest } from "../ingest.ts";

/** The brands that a file of CSV holds, by item, and the number of its dead letters. */
async function brandsOf(lines: readonly string[], text: { quote: string | null; escape: string | null }) {
  using folder = temporaryFolder();
  const path = join(folder.path, "log.csv");
  writeFileSync(path, `${["user_id,ad_id,ts,brand", ...lines].join("\n")}\n`);
  const base = eventsConfig(path, "csv", {
    id: null,
    action: { value: "view" },
    origin: { value: "ad" },
    outcomes: {},
  });
  const brand = { from: "brand", kind: "category", ids: { kind: "dictionary" } } as const;
  const config = { ...base, attributes: { brand }, text: { ...base.text, ...text } };
  const { rows } = await ingest(config, { store: join(folder.path, "store"), threads: 1 });
  const store = EventStore.open(join(folder.path, "store"));
  const idOf = (row: number, name: string) => store.dictionary(name)?.id(store.column(name).at(row));
  const all = Array.from({ length: store.numEvents }, (_, row) => [idOf(row, "item"), idOf(row, "brand")] as const);
  store.close();
  return { brands: Object.fromEntries(all), rejected: rows.rejected };
}

describe("text without quotes", () => {
  const lines = ['u,i0,1,"a', 'u,i1,2,5" wide', 'u,i2,3,"b"', 'u,i3,4,"a\\,b"'];

  it("has quotation marks as characters like any other", async () => {
    const { brands, rejected } = await brandsOf(lines, { quote: "", escape: "\\" });
    expect(brands).toEqual({ i0: '"a', i1: '5" wide', i2: '"b"', i3: '"a,b"' });
    expect(rejected).toBe(0);
  });

  it("is another than the format's own", async () => {
    const { brands, rejected } = await brandsOf(lines, { quote: null, escape: null });
    expect(brands).toEqual({ i1: '5" wide', i2: "b", i3: "a\\,b" });
    expect(rejected).toBe(1);
  });
});
