import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ingestProject } from "./stored-events.ts";

/** Small logs that were read wrongly once; each stands for a kind. */
const CASES = fileURLToPath(new URL("../../../test/ingest/cases/", import.meta.url));

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-cases-"));
  cpSync(CASES, folder, { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ingested(name: string, ...set: string[]) {
  return ingestProject({ config: join(folder, name), set, store: join(folder, `${name}.store`) });
}

describe("a log that was read wrongly once", () => {
  it.each(["events-long-user-id.csv", "events-long-attribute.csv"])(
    "backfill-limits: %s loses the one event that no store can hold",
    async (file) => {
      const { rows, letters } = await ingested("backfill-limits", `events.from=${file}`);
      expect(rows).toEqual({ rowsRead: 1200, accepted: 1199, duplicates: 0, rejected: 1 });
      expect(letters).toMatchObject([{ code: "EVENT_SIZE" }]);
    },
  );

  it("compressed-file-cut-short: is refused by name", async () => {
    await expect(ingested("compressed-file-cut-short")).rejects.toMatchObject({
      code: "EVENTS_UNREADABLE",
      where: join(folder, "compressed-file-cut-short", "events.csv.gz"),
    });
  });

  it("dead-letter-keeps-quotes: keeps the row's own bytes", async () => {
    const { letters } = await ingested("dead-letter-keeps-quotes");
    expect(letters).toMatchObject([{ line: 2, raw: '"a,b",i1,oops,0', code: "EVENT_TIME" }]);
  });

  it("empty-file-among-csv: the empty file has no events", async () => {
    expect((await ingested("empty-file-among-csv")).events).toMatchObject([{ user: "u0" }, { user: "u1" }]);
  });

  it("field-named-file_row_number: a field that is not mapped may be called anything", async () => {
    expect((await ingested("field-named-file_row_number")).events).toHaveLength(3);
  });

  it("folder-name-overrides-field: the file's own field wins", async () => {
    const time = Date.UTC(2025, 2, 3, 7, 4, 58, 13);
    expect((await ingested("folder-name-overrides-field")).events).toMatchObject([{ time }, { time }]);
  });

  it("folder-name-overrides-user: the file's own user wins", async () => {
    const { events } = await ingested(join("folder-name-overrides-user", "user=alice"));
    expect(events.length).toBeGreaterThan(0);
    expect(events.map(({ user }) => user)).not.toContain("alice");
  });

  it("header-over-two-lines: the header is read as the rows are", async () => {
    expect((await ingested("header-over-two-lines")).events).toMatchObject([{ user: "u1" }, { user: "u2" }]);
  });

  it("integer-ids-through-floats: 17.0 is 17", async () => {
    const one = { user: "17", item: "3" };
    expect((await ingested("integer-ids-through-floats")).events).toMatchObject([one, one]);
  });

  it("iso-without-seconds: seconds may be left out", async () => {
    const times = [Date.UTC(2025, 2, 3, 10), Date.UTC(2025, 2, 3, 10, 0, 1)];
    expect((await ingested("iso-without-seconds")).events.map(({ time }) => time)).toEqual(times);
  });

  it("mixed-line-endings: each line may end as it likes", async () => {
    const { events } = await ingested("mixed-line-endings");
    expect(events).toMatchObject([
      { user: "u1", click: 0 },
      { user: "u2", click: 1 },
      { user: "u3", click: 0 },
    ]);
  });

  it("semicolons: the hint says what separates the fields, and a delimiter reads them", async () => {
    await expect(ingested("semicolons")).rejects.toMatchObject({
      code: "EVENTS_FIELD",
      hint: expect.stringContaining("semicolons"),
    });
    const { events } = await ingested("semicolons", "events.delimiter=';'", "events.decimal=','");
    expect(events).toMatchObject([{ user: "u1", price: 3.5 }]);
  });

  it("tsv-null-marker: \\N is missing", async () => {
    const { events, letters } = await ingested("tsv-null-marker");
    expect(letters).toMatchObject([{ line: 3, code: "EVENT_MISSING", reason: "user: missing" }]);
    expect(events).toEqual([
      expect.objectContaining({ user: "u1", click: 0, cat: "x" }),
      expect.not.objectContaining({ click: expect.anything() }),
    ]);
  });

  it("tz-name-leaks: a row's time depends on that row alone", async () => {
    const { events } = await ingested("tz-name-leaks");
    const times = Object.fromEntries(events.map(({ user, time }) => [user, time]));
    const at = (hour: number) => Date.UTC(2025, 6, 3, hour);
    expect(times).toEqual({ u0: at(14), u1: at(10), u2: at(0), u3: at(10) });
  });
});
