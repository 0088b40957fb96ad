import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeStore, projectIn, temporaryFolder } from "../../test/train/project.ts";
import type { ProjectConfig } from "../config/project.ts";
import { ingest } from "../data/index.ts";
import { EVENT_LIMITS } from "../features/events/event-limits.ts";
import { openOnlineStore } from "../serve/index.ts";
import { backfill } from "./backfill.ts";
import { type LeftOut, LeftOutList } from "./left-out.ts";

/** The log of the tests' project as its fields and rows, for another log of the same kind. */
async function sampleRows(folder: string) {
  await makeStore(folder);
  const [fields = "", ...rows] = readFileSync(join(folder, "events.csv"), "utf8").trimEnd().split("\n");
  const names = fields.split(",");
  return {
    rows,
    value: (row: string, name: string): string => row.split(",")[names.indexOf(name)] ?? "",
    /** A row with another value in one field. */
    withValue: (row: string, name: string, value: string): string =>
      row.split(",").with(names.indexOf(name), value).join(","),
    ingest: async (own: readonly string[]): Promise<ProjectConfig> => {
      writeFileSync(join(folder, "events.csv"), `${[fields, ...own].join("\n")}\n`);
      const project = projectIn(folder);
      await ingest(project.events, { store: project.store, threads: 1 });
      return project;
    },
  };
}

/** Lower limits than the real ones, which who reads logs may hold too. */
function lowerLimits(lower: { idBytes: number; recordBytes: number }): Disposable {
  const limits: { idBytes: number; recordBytes: number } = EVENT_LIMITS;
  const before = { ...limits };
  Object.assign(limits, lower);
  return { [Symbol.dispose]: () => void Object.assign(limits, before) };
}

it("never ends at one event beyond a limit: the others arrive, and that one is named", async () => {
  using folder = temporaryFolder();
  const log = await sampleRows(folder.path);
  const [byUser = "", byRecord = ""] = [log.rows[143], log.rows[700]];
  const user = "u".repeat(61);
  const rows = log.rows
    .with(143, log.withValue(byUser, "user_id", user))
    .with(700, log.withValue(byRecord, "category", "c".repeat(4001)));
  const project = await log.ingest(rows);
  using _ = lowerLimits({ idBytes: 60, recordBytes: 4000 });
  const online = await openOnlineStore({ kind: "lmdb", at: join(folder.path, "online") });
  const { leftOut, ...filled } = await backfill(project, { online, teacher: null });
  expect(filled).toEqual({ events: rows.length - 2, added: rows.length - 2, embeddings: 0 });
  expect(leftOut.events).toBe(2);
  const time = (row: string): string => new Date(log.value(row, "time")).toISOString();
  const expected = [
    { user, time: time(byUser), where: "user", expected: "1 to 60 bytes", got: "61 bytes" },
    { user: log.value(byRecord, "user_id"), time: time(byRecord), where: "event", expected: "at most 4000 bytes" },
  ];
  const longFirst = [...leftOut.first].sort((a, b) => b.user.length - a.user.length);
  for (const [i, each] of expected.entries()) expect(longFirst[i]).toMatchObject(each);
  const listed = readFileSync(leftOut.file ?? "", "utf8")
    .trimEnd()
    .split("\n");
  expect(listed.map((line) => JSON.parse(line))).toEqual(leftOut.first);
  await online.close();
});

it("gives every user the log's own events, in the log's order, and a second time nothing", async () => {
  using folder = temporaryFolder();
  const { rows, value, ingest: ingestRows } = await sampleRows(folder.path);
  const project = await ingestRows(rows);
  const online = await openOnlineStore({ kind: "lmdb", at: join(folder.path, "online") });
  const filled = await backfill(project, { online, teacher: null });
  const none: LeftOut = { events: 0, first: [], file: null };
  expect(filled).toEqual({ events: rows.length, added: rows.length, embeddings: 0, leftOut: none });
  expect(await backfill(project, { online, teacher: null })).toEqual({ ...filled, added: 0 });
  const logged = new Map<string, { timeMs: number; item: string }[]>();
  for (const row of rows) {
    const user = value(row, "user_id");
    const events = logged.get(user) ?? [];
    logged.set(user, events);
    events.push({ timeMs: Date.parse(value(row, "time")), item: value(row, "ad_id") });
  }
  const byTime = (a: { timeMs: number; item: string }, b: typeof a) =>
    a.timeMs - b.timeMs || (a.item < b.item ? -1 : 1);
  for (const [user, events] of logged) {
    const past = await online.read({ user, beforeMs: Number.MAX_SAFE_INTEGER, limit: 10_000 });
    const read = past.events.map(({ timeMs, facts }) => ({ timeMs, item: `${facts["item"]}` }));
    expect(past.numPast).toBe(events.length);
    expect(read.map(({ timeMs }) => timeMs)).toEqual(read.map(({ timeMs }) => timeMs).sort((a, b) => a - b));
    expect(read.sort(byTime)).toEqual(events.sort(byTime));
  }
  await online.close();
});

it("names the first ten events that are left out, and lists all of them anew each time", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "left-out.jsonl");
  writeFileSync(file, "of the last time\n");
  expect(new LeftOutList(file).result()).toEqual({ events: 0, first: [], file: null });
  expect(existsSync(file)).toBe(false);
  const list = new LeftOutList(file);
  const breach = { where: "id", expected: "1 to 512 bytes", got: "0 bytes" } as const;
  for (let i = 0; i < 2500; i++) list.add({ user: `u${i}`, id: "e", timeMs: i, facts: {} }, breach);
  const { events, first } = list.result();
  expect(events).toBe(2500);
  expect(first.map(({ user }) => user)).toEqual(Array.from({ length: 10 }, (_, i) => `u${i}`));
  const users = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).user);
  expect(users).toEqual(Array.from({ length: 2500 }, (_, i) => `u${i}`));
});
