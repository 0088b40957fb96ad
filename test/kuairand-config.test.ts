import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadProject } from "../src/config/load.ts";

// Tests run compiled, one folder below the root; the configuration is read as its author wrote it.
const FILE = fileURLToPath(new URL("../../examples/kuairand/lapidary.config.ts", import.meta.url));

it("the example's configuration resolves, and no label can be an input", async () => {
  const { events, models, split } = await loadProject({ config: FILE });
  expect(events.format).toBe("tsv");
  const kinds = ["baseRate", "logistic", "counters", "previous", "foundation", "vertical"];
  expect([...new Set(Object.values(models).map(({ kind }) => kind))]).toEqual(kinds);
  expect(split).toMatchObject({ kind: "time", testUntilMs: Date.UTC(2022, 3, 22) });
  expect(Object.keys(events.attributes)).toEqual(["duration"]);
  const objectives = Object.entries(events.outcomes).filter(([, { objective }]) => objective);
  expect(objectives.map(([name]) => name)).toEqual(["click", "longView", "profileVisit", "comment"]);
  // Longer than the longest play of the log (612,577 ms): what came of an impression is not read before it happened.
  for (const { delayMs } of Object.values(events.outcomes)) expect(delayMs).toBeGreaterThan(612_577);
});
