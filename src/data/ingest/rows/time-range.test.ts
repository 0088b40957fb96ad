/** Rows whose times lie outside of the range are told what the server tells of such events. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkTime } from "../../../features/events/event-rules.ts";
import { eventsConfig, temporaryFolder } from "../../events.test.support.ts";
import { ingest } from "../ingest.ts";

const RANGE = { earliestMs: Date.UTC(2000, 0), latestMs: Date.UTC(2100, 0) };
const T = Date.UTC(2025, 2, 3, 4, 5, 6);

/** Rows of these times after one that is valid, which keeps the log from being empty: rejected rows by reason. */
async function rejections(times: readonly number[]): Promise<Readonly<Record<string, number>>> {
  using folder = temporaryFolder();
  const path = join(folder.path, "log.jsonl");
  const rows = [T, ...times].map((ts, i) => ({ event_id: `e${i}`, user_id: "u", ad_id: "a", ts, action: "view" }));
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const config = {
    ...eventsConfig(path, "jsonl", { attributes: {}, outcomes: {}, origin: { value: "ad" } }),
    ...RANGE,
  };
  return (await ingest(config, { store: join(folder.path, "store"), threads: 1 })).rejections;
}

describe("a time outside of the range", () => {
  it("is told the unit that it seems to be in", async () => {
    const range = "ts: expected a time from 2000-01-01T00:00:00.000Z and before 2100-01-01T00:00:00.000Z";
    const seconds = "(this one seems to be in a coarser unit: seconds taken for milliseconds, or the like)";
    const micros = "(this one seems to be in a finer unit: microseconds taken for milliseconds, or the like)";
    expect(await rejections([T / 1000, T / 1000 + 1, T * 1000, 1, -T, 9e14 * 5])).toEqual({
      [`${range} ${seconds}`]: 2,
      [`${range} ${micros}`]: 1,
      [`${range}`]: 3,
    });
  });

  it("is told the same by a log and by a server, of 200 times", async () => {
    const edges = [1, 1e3, 1e-3, 1e6, 1e-6].flatMap((factor) =>
      [RANGE.earliestMs, RANGE.latestMs].map((edge) => Math.round(edge / factor)),
    );
    const near = fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -1, max: 1 })).map(([edge, by]) => edge + by);
    const wide = fc.maxSafeInteger().map((x) => Math.trunc(x / 2 ** (Math.abs(x) % 50)));
    const time = fc.oneof(near, wide).filter((ms) => Math.abs(ms) <= 8.64e15);
    await fc.assert(
      fc.asyncProperty(fc.array(time, { minLength: 20, maxLength: 20 }), async (times) => {
        const wanted: Record<string, number> = {};
        for (const ms of times) {
          const refused = checkTime(ms, RANGE);
          const reason = `ts: expected ${refused?.expected}`;
          if (refused !== null) wanted[reason] = (wanted[reason] ?? 0) + 1;
        }
        expect(await rejections(times)).toEqual(wanted);
      }),
      { numRuns: 10, endOnFailure: true },
    );
  });
});
