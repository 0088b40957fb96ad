/** A log whose conversions stand in a log of their own: from the two to a ranking. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleLog } from "../../src/cli/sample/sample-log.ts";
import type { ProjectConfig } from "../../src/config/project.ts";
import { windowOf } from "../../src/data/examples/split.ts";
import { countLabels, EventStore, type IngestResult, ingest } from "../../src/data/index.ts";
import { evaluateRuns } from "../../src/evaluate/index.ts";
import { audit } from "../../src/publish/audit.ts";
import { backfill } from "../../src/publish/backfill.ts";
import { publishRun } from "../../src/publish/publish-run.ts";
import { rankOverHttp } from "../../src/publish/rank-over-http.ts";
import { ModelRepository, openOnlineStore, RankingServer } from "../../src/serve/index.ts";
import { projectIn, temporaryFolder, timesOf, trainAlone } from "./project.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Shown {
  readonly id: string;
  readonly timeMs: number;
  readonly converted: boolean;
}

/** The sample log without what came of it, and its conversions some hours later: every ninth after two days. */
function writeLogs(folder: string) {
  const [fields = "", ...rows] = sampleLog().trimEnd().split("\n");
  const names = fields.split(",");
  const value = (row: string, name: string): string => row.split(",")[names.indexOf(name)] ?? "";
  writeFileSync(join(folder, "events.csv"), `${[fields, ...rows].join("\n")}\n`);
  const shown = rows.map((row): Shown => {
    return {
      id: value(row, "event_id"),
      timeMs: Date.parse(value(row, "time")),
      converted: value(row, "converted") === "1",
    };
  });
  const bought = shown.filter(({ converted }) => converted);
  const timeOf = ({ timeMs }: Shown, i: number): number => timeMs + (i % 9 === 8 ? 2 * DAY : (i % 9) * 2 * HOUR);
  const lines = bought.map((event, i) => `${event.id},${new Date(timeOf(event, i)).toISOString()},${i % 4}.5`);
  // One that is told twice, and one of no event.
  const all = [...lines.toReversed(), lines[0], "nobody,2025-03-03T00:00:00Z,1"];
  writeFileSync(join(folder, "conversions.csv"), `${["click_id,at,amount", ...all].join("\n")}\n`);
  return { shown, bought, isLate: (i: number) => i % 9 === 8 };
}

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
let result: IngestResult;
let logs: ReturnType<typeof writeLogs>;
beforeAll(async () => {
  folder = temporaryFolder();
  logs = writeLogs(folder.path);
  const log = {
    log: "conversions.csv",
    id: "click_id",
    time: "at",
    window: "1d",
    value: "amount",
    count: true,
  } as const;
  project = projectIn(folder.path, { objectives: { click: { from: "clicked", delay: "10m" }, conversion: log } });
  result = await ingest(project.events, { store: project.store, threads: 1 });
  await trainAlone(project, { model: "previous" });
});
afterAll(() => folder[Symbol.dispose]());

describe("a separate conversion log", () => {
  it("is joined, and what matches nothing is told with its reason", () => {
    const late = logs.bought.filter((_, i) => logs.isLate(i)).length;
    const matched = logs.bought.length - late;
    expect(late).toBeGreaterThan(3);
    expect(result.outcomes).toEqual({
      conversion: {
        ...{ rows: logs.bought.length + 2, matched, duplicates: 1, rejections: {} },
        unmatched: { "after the window": late, "no such event": 1 },
      },
    });
  });

  it("gives labels whose window has closed, positives and negatives alike", () => {
    const store = EventStore.open(project.store);
    const { trainUntilMs } = timesOf(project);
    const window = windowOf(project.split, "train");
    const { conversion } = countLabels(store, { window, horizonMs: trainUntilMs });
    store.close();
    const closed = logs.shown.filter(({ timeMs }) => timeMs + DAY <= trainUntilMs);
    const ids = new Set(closed.map(({ id }) => id));
    const positive = logs.bought.filter(({ id }, i) => ids.has(id) && !logs.isLate(i)).length;
    expect(conversion).toEqual({ known: closed.length, positive });
  });

  it("is served as it was scored, from a backfill that knows each conversion from its own time on", async () => {
    const evaluation = await evaluateRuns(project, { runs: ["previous"], split: "test" });
    expect(evaluation.runs[0]?.objectives["conversion"]?.overall.examples).toBeGreaterThan(50);
    const { bundle } = await publishRun(project, { run: "previous" });
    const models = await ModelRepository.open({ kind: "bundle", dir: bundle }, { workers: 1, maxQueued: 64 });
    const store = await openOnlineStore({ kind: "lmdb", at: join(folder.path, "online") });
    const server = await RankingServer.listen({ models, store, address: "127.0.0.1", port: 0 });
    try {
      await backfill(project, { online: store, teacher: null });
      const rank = rankOverHttp(server.url);
      const found = await audit(project, { run: "previous", split: "test", rank, online: store });
      expect(found.examples).toBeGreaterThan(50);
      expect(found.maxDifference).toBeLessThan(1e-5);
      expect(found).toMatchObject({ otherCounts: 0, otherHistories: 0 });
    } finally {
      await server.close();
      await models.close();
      await store.close();
    }
  });
});
