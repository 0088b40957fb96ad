import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OutcomeConfig, OutcomeLogConfig } from "../../../config/types.ts";
import { eventsConfig, temporaryFolder } from "../../events.test.support.ts";
import { EventStore } from "../../store/event-store.ts";
import { ingest } from "../ingest.ts";

const WINDOW = 1000;
const START = 1_600_000_000_000;

/** How the log of outcomes is read, but for its files and values. */
const FILES_OF: OutcomeLogConfig = {
  ...{ from: [], sql: null, partitions: [], format: "csv", value: null },
  ...{ key: { id: "click_id" }, time: { from: "at", unit: "ms" } },
};

describe("outcomes of one log", () => {
  const rows = [`${START + 5},2,e0`, `${START + 5},3,e0`, `${START + 6},-1,e0`, `${START + 7},cheap,e0`];
  const without = { log: { value: null }, measure: "count", kind: "count" } as const;
  const ways = {
    number: without,
    sum: { log: { value: { from: "amount", kind: "number" } }, measure: "sum", kind: "number" },
    amount: { log: { value: { from: "amount", kind: "value" } }, measure: "sum", kind: "value" },
  } as const;
  // Times 5, 6 and 7 if no values are read; 2 + 3 - 1; and 2 + 3, as neither -1 nor a word is an amount.
  const stored = { number: 3, sum: 4, amount: 5 };

  it.each([["number"], ["sum"], ["amount"], ["number", "sum", "amount"], ["amount", "number"]] as const)(
    "are what each reads of it, whatever others read: %s %s %s",
    async (...names) => {
      using folder = temporaryFolder();
      const shown = ["e0", "e1"].map((id, i) => {
        return { event_id: id, user_id: "u1", ad_id: "a", ts: START + 9 * i * WINDOW, action: "view" };
      });
      const [log, file] = [join(folder.path, "events.jsonl"), join(folder.path, "conversions.csv")];
      writeFileSync(log, shown.map((row) => JSON.stringify(row)).join("\n"));
      writeFileSync(file, `${["at,amount,click_id", ...rows].join("\n")}\n`);
      const outcomes = names.map((name): readonly [string, OutcomeConfig] => {
        const { log: read, measure, kind } = ways[name];
        const arrival = { windowMs: WINDOW, log: { ...FILES_OF, from: [file], ...read }, attribution: null, measure };
        const shared = { delayMs: WINDOW, objective: true, windowOf: null };
        return [name, { from: measure === "sum" ? "amount" : "at", kind, ...shared, arrival }];
      });
      const own = { origin: { value: "organic" }, attributes: {}, outcomes: Object.fromEntries(outcomes) } as const;
      const config = eventsConfig(log, "jsonl", own);
      const options = { store: join(folder.path, "store"), threads: 1 };
      const { files } = await ingest(config, options);
      expect(files).toEqual({ total: 2, notRead: 0 });
      const store = EventStore.open(options.store);
      expect(names.map((name) => [name, store.column(name).at(0)])).toEqual(names.map((name) => [name, stored[name]]));
      store.close();
    },
  );
});
