import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadProject } from "../src/config/load.ts";
import { EventStore, ingest } from "../src/data/index.ts";
import { seededIntegers } from "../src/metrics/comparison/random.ts";
import type { StudyReport } from "../src/study/index.ts";
import { lapidary, lastLine } from "./cli/lapidary.ts";
import { temporaryFolder } from "./train/project.ts";

// Tests run compiled, one folder below the root; the configuration is read as its author wrote it.
const FILE = fileURLToPath(new URL("../../examples/yambda/lapidary.config.ts", import.meta.url));

/** Begin of the last five of the 26 million seconds, the last two of which are for validation and test. */
const BEGIN_S = 26_000_000 - 5 * 86_400;
const ROWS = 2400;
const OTHERS = ["like", "dislike", "unlike", "undislike"] as const;

/** Rows as Yambda has them: what is played of a track and its length are told of listens alone, times are rounded to 5 s. */
const ROWS_OF_LOG = (() => {
  const draw = seededIntegers(3);
  return Array.from({ length: ROWS }, (_, i) => {
    const isListen = draw(10) < 9;
    return {
      uid: 10 * (1 + draw(15)),
      timestamp: BEGIN_S + 5 * Math.floor((i * 86_400) / ROWS),
      item_id: 1 + draw(60),
      is_organic: draw(2),
      played_ratio_pct: isListen ? draw(120) : null,
      track_length_seconds: isListen ? 60 + draw(300) : null,
      event_type: isListen ? "listen" : OTHERS[draw(OTHERS.length)],
    };
  });
})();

const TYPES =
  "uid::UINTEGER AS uid, timestamp::UINTEGER AS timestamp, item_id::UINTEGER AS item_id, is_organic::UTINYINT AS is_organic, " +
  "played_ratio_pct::USMALLINT AS played_ratio_pct, track_length_seconds::UINTEGER AS track_length_seconds, " +
  "event_type::ENUM ('listen', 'like', 'dislike', 'unlike', 'undislike') AS event_type";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  const at = (...path: readonly string[]): string => join(folder.path, ...path);
  mkdirSync(at("data", "flat", "50m"), { recursive: true });
  copyFileSync(FILE, at("lapidary.config.ts"));
  writeFileSync(at("rows.jsonl"), ROWS_OF_LOG.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const write = (select: string, path: string) => connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  await write(`SELECT ${TYPES} FROM read_json('${at("rows.jsonl")}')`, at("data/flat/50m/multi_event.parquet"));
  // Track 1 has two artists, the last one has none.
  const artists = "SELECT (100 + i % 7)::UINTEGER AS artist_id, i::UINTEGER AS item_id FROM range(1, 60) AS t(i)";
  await write(`${artists} UNION ALL SELECT 900, 1`, at("data/artist_item_mapping.parquet"));
  const albums = "SELECT (500 + i % 20)::UINTEGER AS album_id, i::UINTEGER AS item_id FROM range(1, 61) AS t(i)";
  await write(albums, at("data/album_item_mapping.parquet"));
  connection.closeSync();
  instance.closeSync();
});
afterAll(() => folder[Symbol.dispose]());

describe("the example's configuration, on files of Yambda's schema", () => {
  it("makes an event of every row, and a label of every listen", async () => {
    const project = await loadProject({ config: join(folder.path, "lapidary.config.ts") });
    const { rejections } = await ingest(project.events, { store: project.store, threads: 1 });
    using store = EventStore.open(project.store);
    expect([store.numEvents, rejections]).toEqual([ROWS, {}]);
    const column = (name: string): readonly number[] => [...store.column(name).slice(0, ROWS)];
    const idsOf = (name: string) => column(name).map((code) => store.dictionary(name)?.id(code));
    const count = (values: readonly unknown[], value: unknown): number => values.filter((one) => one === value).length;
    const actions = idsOf("action");
    for (const action of ["listen", ...OTHERS])
      expect([action, count(actions, action)]).toEqual([
        action,
        count(
          ROWS_OF_LOG.map((row) => row.event_type),
          action,
        ),
      ]);
    expect(store.timeOf(0)).toBe(BEGIN_S * 1000);
    const listens = ROWS_OF_LOG.filter(({ event_type }) => event_type === "listen");
    const played = listens.filter(({ played_ratio_pct }) => (played_ratio_pct ?? 0) >= 50);
    const labels = column("listenPlus");
    // 0 is unknown, 1 no, 2 yes.
    expect(count(labels, 2)).toBe(played.length);
    expect(count(labels, 1)).toBe(listens.length - played.length);
    expect(count(idsOf("surface"), "organic")).toBe(ROWS_OF_LOG.filter((row) => row.is_organic === 1).length);
    // Joined once: the first artist of the track that has two.
    expect(count(idsOf("artist"), "900")).toBe(0);
    expect(count(idsOf("artist"), "101")).toBe(
      ROWS_OF_LOG.filter((row) => row.item_id < 60 && row.item_id % 7 === 1).length,
    );
  });

  it("follows the protocol: days in order, each scored before it is learned from, no test day", async () => {
    const small = ["models.foundation.size=tiny", "models.foundation.history=8", "training.globalBatchSize=64"];
    const set = [...small, "studies.target.seeds=[1]", "studies.target.target=0.99"].flatMap((one) => ["--set", one]);
    const ended = await lapidary(["scale", "target", "--json", ...set], { cwd: folder.path });
    expect(ended).toMatchObject({ code: 0 });
    const { studies } = lastLine<{ readonly studies: Readonly<Record<string, StudyReport>> }>(ended);
    const result = studies["target"]?.result;
    if (result?.kind !== "target") throw new Error("no such study");
    const days = [2, 1, 0].map((before) => (26_000_000 - (2 + before) * 86_400) * 1000);
    expect(result.windows.at(-1)?.fromMs).toBe(days[2]);
    for (const { auc, scored } of result.windows) {
      expect(auc.mean).not.toBeNull();
      expect(scored).toBeGreaterThan(0);
    }
    expect(result.seeds).toEqual([expect.objectContaining({ isReached: false, windows: result.windows.length })]);
  });
});
