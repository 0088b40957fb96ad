import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventsConfig, temporaryFolder } from "./events.test.support.ts";
import { ingest } from "./ingest/ingest.ts";
import { measureOutcomes } from "./measure-outcomes.ts";
import { EventStore } from "./store/event-store.ts";

const ALL = { fromMs: 0, untilMs: 1e12 };

interface Told {
  readonly is_click?: 0 | 1;
  readonly dwell?: number;
}

/** Moments of events of one person, a second apart from 0 on: clicks are known at once, dwells a second later. */
async function measured(events: readonly Told[], { window = ALL, scales = {} } = {}) {
  using folder = temporaryFolder();
  const log = join(folder.path, "log.jsonl");
  const event = {
    user_id: "u",
    ad_id: "a",
    action: "view",
    origin: "ad",
    brand: "x",
    price: 1,
    is_click: null,
    dwell: null,
  };
  const rows = events.map((told, i) => JSON.stringify({ ...event, event_id: `${i}`, ts: 1000 * i, ...told }));
  writeFileSync(log, rows.join("\n"));
  await ingest(eventsConfig(log, "jsonl"), { store: join(folder.path, "store"), threads: 1 });
  using store = EventStore.open(join(folder.path, "store"));
  return measureOutcomes(store, window, scales);
}

describe("moments of outcomes", () => {
  it("are those of the codes that are known", async () => {
    // Buckets: 64 of 0; 2 log2(1 + 3) = 4, so 68 of 3; 2 log2(1 + 15) = 8, so 72 of 15.
    const events = [{ is_click: 0, dwell: 0 }, { is_click: 1, dwell: 3 }, {}, { is_click: 0, dwell: 15 }] as const;
    expect(await measured([...events, { is_click: 0, dwell: 3 }])).toEqual({
      click: { mean: 1.25, deviation: Math.sqrt(0.25 * 0.75) },
      dwell: { mean: 68, deviation: Math.sqrt(8) },
    });
  });

  it("are at the scale of a number", async () => {
    // 2 log2(1 + 7) = 6 of 7/16, 2 log2(1 + 31) = 10 of 31/16.
    const { dwell } = await measured([{ dwell: 7 / 16 }, { dwell: 31 / 16 }], { scales: { dwell: 16 } });
    expect(dwell).toEqual({ mean: 72, deviation: 2 });
  });

  it("are of the window, and of outcomes that are known by its end", async () => {
    const events = [{ dwell: 15 }, { dwell: 0 }, { dwell: 3 }, { dwell: 15 }];
    const means = await Promise.all(
      [3000, 2999].map(
        async (untilMs) => (await measured(events, { window: { fromMs: 1000, untilMs } }))["dwell"]?.mean,
      ),
    );
    expect(means).toEqual([66, 64]);
  });

  it("have deviation 1 where nothing differs, or nothing is known", async () => {
    const { click, dwell } = await measured([{ is_click: 1 }, { is_click: 1 }]);
    expect([click, dwell?.deviation]).toEqual([{ mean: 2, deviation: 1 }, 1]);
  });
});
