/** Ingests of a log that changes between them, each beside an ingest of the same files that starts from nothing. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LapidaryError } from "../../src/base/errors.ts";
import type { EventsConfig } from "../../src/config/types.ts";
import { eventsConfig, storeBytes, temporaryFolder } from "../../src/data/events.test.support.ts";
import { ingest } from "../../src/data/ingest/ingest.ts";
import { FORMS, openEngine, type Row } from "./log-forms.ts";

/** Generated logs; LAPIDARY_TEST_RUNS asks for more. */
const RUNS = Number(process.env["LAPIDARY_TEST_RUNS"] ?? 3);

const START = 1_600_000_000_000;
/** When all files were last written, by what they say. @unit s since 1970 */
const WRITTEN = 1e9;

const row: fc.Arbitrary<Row> = fc.record({
  event_id: fc.nat(30).map((i) => `e${i}`),
  user_id: fc.option(
    fc.nat(3).map((i) => `u${i}`),
    { freq: 6 },
  ),
  ad_id: fc.nat(9),
  ts: fc.oneof({ weight: 9, arbitrary: fc.nat(900).map((ms) => START + ms) }, fc.constant(7)),
  action: fc.constantFrom("view", "like"),
  origin: fc.constantFrom("ad", "organic", "neither"),
  brand: fc.option(fc.constantFrom("a", "b", "0x")),
  price: fc.option(fc.nat(4).map((n) => n / 2)),
  is_click: fc.constantFrom(0, 1, 1, 7),
  dwell: fc.option(fc.nat(9)),
});
const rows = fc.array(row, { minLength: 1, maxLength: 12 });

/** Lines of text formats that are no rows, or are spelt in a way of their own. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  csv: ["short,row", "e1,u1,1.0,1600000000001,view,ad,a,1e0,true,1", "é\xff"],
  tsv: ["short\trow", '"e2'],
  jsonl: [
    "{broken",
    '{"event_id":"e1","user_id":{"id":3},"ad_id":1,"ts":1600000000001}',
    '{"event_id":"e1","event_id":"e2","user_id":"u1"}',
    '{"event_id":"e\\ud800","user_id":"u1","ad_id":1,"ts":1600000000001}',
  ],
};

type Edit =
  | { readonly kind: "append" | "insert"; readonly rows: readonly Row[]; readonly line: number | null }
  | { readonly kind: "remove" | "rename" | "touch" | "rewrite" | "digit"; readonly at: number }
  | { readonly kind: "outcome"; readonly ids: readonly number[] }
  | { readonly kind: "mapping"; readonly at: number };

const line = fc.option(fc.nat(9), { freq: 2 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constantFrom("append" as const, "insert" as const), rows, line }),
  fc.record({ kind: fc.constantFrom("remove", "rename", "touch", "rewrite", "digit"), at: fc.nat(9) }),
  fc.record({ kind: fc.constant("outcome"), ids: fc.array(fc.nat(30), { minLength: 1, maxLength: 5 }) }),
  fc.record({ kind: fc.constant("mapping"), at: fc.nat(9) }),
);

const scene = fc.record({
  form: fc.constantFrom(...Object.keys(FORMS)),
  hasUsers: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  /** Makes files of Parquet so large that their rows are not kept. */
  isLarge: fc.boolean(),
  files: fc.array(fc.record({ rows, line }), { minLength: 2, maxLength: 4 }),
  edits: fc.array(edit, { minLength: 2, maxLength: 3 }),
});

/**
 * Changes of the mapping, and the folder whose files they make others to read: of none, of the events, of all. What is said of
 * a log's text holds for files of its own format alone, or for the text beside a log that is none.
 */
const MAPPINGS: readonly (readonly [readAgain: string | null, change: (config: EventsConfig) => EventsConfig])[] = [
  [null, (config) => ({ ...config, itemIds: { kind: "hash", buckets: 5 } })],
  [null, (config) => ({ ...config, outcomes: withDelay(config, 5) })],
  ["", (config) => ({ ...config, earliestMs: START + 300 })],
  ["text", (config) => ({ ...config, text: { ...config.text, nulls: ["a"] } })],
  ["log/", (config) => ({ ...config, attributes: {} })],
];

function withDelay(config: EventsConfig, delayMs: number): EventsConfig["outcomes"] {
  return { ...config.outcomes, dwell: { ...config.outcomes["dwell"]!, delayMs } };
}

/** A log on the disk that is edited, and what of it a second ingest need not read. */
class EditedLog {
  config: EventsConfig;
  readonly #folder: string;
  readonly #engine: DuckDBConnection;
  readonly #form: string;
  readonly #isLarge: boolean;
  #made = 0;
  /** Files as the last ingest found them. */
  known = new Set<string>();
  isCounted = true;
  readonly #touched = new Map<string, number>();

  constructor(folder: string, engine: DuckDBConnection, { form, hasUsers, isLarge }: SceneFacts) {
    this.#folder = folder;
    this.#engine = engine;
    this.#form = form;
    this.#isLarge = isLarge;
    const [format, ending] = FORMS[form]!;
    for (const name of ["log/dt=1", "log/dt=2", "outcomes"]) mkdirSync(join(folder, name), { recursive: true });
    const base = eventsConfig(join(folder, `log/*/*.${ending}`), format);
    const log = {
      from: [join(folder, "outcomes/*.csv")],
      sql: null,
      partitions: [],
      format: "csv",
      key: { id: "id" },
      time: ofTime("at"),
      value: null,
    } as const;
    const arrival = { windowMs: 1000, log, attribution: null, measure: "any" } as const;
    const bought = { from: "", kind: "flag", delayMs: 1007, objective: true, windowOf: null, arrival } as const;
    const attributes = {
      ...base.attributes,
      day: { from: "dt", kind: "category", ids: { kind: "dictionary" } },
    } as const;
    const own = { ...base, partitions: ["dt"], attributes };
    this.config = hasUsers
      ? { ...own, outcomes: { ...base.outcomes, bought } }
      : { ...own, id: null, user: null, outcomes: base.outcomes };
    this.addOutcomes([1]);
    this.addOutcomes([2, 3]);
  }

  get #files(): readonly string[] {
    return this.#of("log/dt=1").concat(this.#of("log/dt=2"));
  }

  #of(name: string): string[] {
    const folder = join(this.#folder, name);
    const names = readdirSync(folder).filter((each) => !each.endsWith(".rows"));
    return names.map((each) => join(folder, each)).sort();
  }

  async add(
    place: "a" | "z",
    { rows: some, line: broken }: { rows: readonly Row[]; line: number | null },
  ): Promise<void> {
    const [format, ending, write] = FORMS[this.#form]!;
    const path = join(this.#folder, `log/dt=${1 + (some.length % 2)}`, `${place}${100 + this.#made++}.${ending}`);
    await write(some, path, this.#engine);
    const lines = LINES[format];
    if (ending === format && lines !== undefined && broken !== null) {
      writeFileSync(path, Buffer.from(`${readFileSync(path, "latin1")}${lines[broken % lines.length]}\n`, "latin1"));
    }
    if (this.#isLarge && format === "parquet") {
      const pad = "(SELECT string_agg(md5(i::VARCHAR), '') FROM range(6000) AS r(i)) AS pad";
      await this.#engine.run(`COPY (SELECT *, ${pad} FROM '${path}') TO '${path}.large' (FORMAT parquet)`);
      renameSync(`${path}.large`, path);
    }
    utimesSync(path, WRITTEN, WRITTEN);
  }

  addOutcomes(ids: readonly number[]): void {
    const lines = ids.map((id) => `e${id},${START + 500 + id}\n`);
    writeFileSync(join(this.#folder, `outcomes/o${100 + this.#made++}.csv`), `id,at\n${lines.join("")}nobody,?\n`);
  }

  async edit(change: Edit): Promise<void> {
    switch (change.kind) {
      case "append":
        return this.add("z", change);
      case "insert":
        return this.add("a", change);
      case "outcome":
        return this.addOutcomes(change.ids);
      case "mapping": {
        const [readAgain, apply] = MAPPINGS[change.at % MAPPINGS.length]!;
        const before = JSON.stringify(this.config);
        this.config = apply(this.config);
        if (readAgain === null || JSON.stringify(this.config) === before) return;
        const { format } = this.config;
        const ofText = format === "tsv" || format === "jsonl" ? "log/" : "";
        const place = join(this.#folder, readAgain === "text" ? ofText : readAgain);
        for (const state of this.known) if (state.startsWith(place)) this.known.delete(state);
        return;
      }
      default:
        this.#editFile(change.kind, this.#files[change.at % this.#files.length]!);
    }
  }

  #editFile(kind: "remove" | "rename" | "touch" | "rewrite" | "digit", path: string): void {
    this.#touched.set(path, (this.#touched.get(path) ?? 0) + 1);
    if (kind === "remove") {
      if (this.#files.length > 1) rmSync(path);
    } else if (kind === "rename") renameSync(path, join(dirname(path), `m${this.#made++}${basename(path)}`));
    else if (kind === "touch") utimesSync(path, WRITTEN, WRITTEN - ++this.#made);
    else {
      const bytes = readFileSync(path);
      const text = bytes.toString("latin1");
      // The last digit of the last time, in place: size and time of the content stay as they were.
      const at =
        kind === "digit" && /\.(csv|tsv|jsonl)$/.test(path) ? text.lastIndexOf(String(START).slice(0, 7)) + 12 : -1;
      if (at > 12) bytes[at] = bytes[at] === 0x35 ? 0x36 : 0x35;
      writeFileSync(path, bytes);
      utimesSync(path, WRITTEN, WRITTEN);
    }
  }

  /** The files of all logs that are as they are now only once; those of a log of one file are not kept. */
  states(): ReadonlySet<string> {
    const logs = [this.#isLarge && this.#form === "parquet" ? [] : this.#files];
    if (this.config.user !== null) logs.push(this.#of("outcomes"));
    const kept = logs.flatMap((files) => (files.length > 1 ? files : []));
    return new Set(kept.map((path) => `${path} ${this.#touched.get(path) ?? 0}`));
  }
}

interface SceneFacts {
  readonly form: string;
  readonly hasUsers: boolean;
  readonly isLarge: boolean;
}

function ofTime(from: string) {
  return { from, unit: "ms" } as const;
}

/** What an ingest leaves, wherever its store is: every byte of it and every count, or the error. */
async function resultOf(config: EventsConfig, store: string) {
  try {
    const result = await ingest(config, { store, threads: 1 });
    const { upToDate, rows: counts, rejections, repeats, outcomes, files } = result;
    const { contradictionsFile: _, ...repeatCounts } = repeats;
    return {
      left: { bytes: storeBytes(store), counts, rejections, told: repeatCounts, outcomes },
      upToDate,
      notRead: files.notRead,
    };
  } catch (error) {
    if (!(error instanceof LapidaryError)) throw error;
    const { code, where, expected, got } = error;
    return { left: { code, where, expected, got }, upToDate: false, notRead: null };
  }
}

/** Ingests an edited log again, and beside it into a new store. */
async function expectSame(log: EditedLog, folder: string, { i, hasUsers }: { i: number; hasUsers: boolean }) {
  const fresh = await resultOf(log.config, join(folder, `fresh-${i}`));
  const again = await resultOf(log.config, join(folder, "store"));
  expect(again.left).toEqual(fresh.left);
  // What a failed ingest has kept is its own affair: only bytes are compared from there on.
  log.isCounted &&= again.notRead !== null;
  if (again.notRead === null || again.upToDate) return;
  expect(fresh.notRead).toBe(0);
  const now = log.states();
  const most = [...now].filter((state) => log.known.has(state)).length;
  log.known = new Set(now);
  // Of rows that are users by themselves those behind a change are read again: their order counts.
  if (!log.isCounted) return;
  if (hasUsers) expect(again.notRead).toBe(most);
  else expect(again.notRead).toBeLessThanOrEqual(most);
}

describe("a log that is edited between ingests", () => {
  it(`gives what an ingest that starts from nothing gives, and reads what was edited alone (${RUNS} logs)`, async () => {
    using engine = await openEngine();
    await fc.assert(
      fc.asyncProperty(scene, async ({ files, edits, ...facts }) => {
        using folder = temporaryFolder();
        const log = new EditedLog(folder.path, engine.connection, facts);
        for (const file of files) await log.add("z", file);
        await expectSame(log, folder.path, { i: 0, hasUsers: facts.hasUsers });
        for (const [i, change] of edits.entries()) {
          await log.edit(change);
          await expectSame(log, folder.path, { i: i + 1, hasUsers: facts.hasUsers });
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
