import { expect, it } from "vitest";
import { SAMPLE_SHAPE, sampleLog } from "./sample-log.ts";

it("is whole, in order of time, and the same on every call", () => {
  const text = sampleLog();
  expect(sampleLog()).toBe(text);
  const [header = "", ...rows] = text.trimEnd().split("\n");
  const fields = header.split(",");
  expect(rows).toHaveLength(SAMPLE_SHAPE.users * SAMPLE_SHAPE.eventsPerUser);
  const times = rows.map((row) => {
    const cells = row.split(",");
    expect(cells).toHaveLength(fields.length);
    return cells[fields.indexOf("time")] ?? "";
  });
  expect(times).toEqual(times.toSorted());
});

it("has enough of both outcomes, and clicks that past clicks foretell", () => {
  const rows = sampleLog()
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((row) => row.split(","));
  const clicks = rows.filter((row) => row[8] === "1");
  expect(clicks.length).toBeGreaterThan(0.1 * rows.length);
  expect(clicks.length).toBeLessThan(0.3 * rows.length);
  expect(rows.filter((row) => row[9] === "1").length).toBeGreaterThan(0.02 * rows.length);
  // Nobody converts who did not click.
  expect(rows.filter((row) => row[9] === "1" && row[8] === "0")).toEqual([]);
  const clicked = new Set<string>();
  const counts = { seen: [0, 0], other: [0, 0] };
  for (const [, user, , , , , category, , click] of rows) {
    const group = clicked.has(`${user} ${category}`) ? counts.seen : counts.other;
    group[click === "1" ? 1 : 0]!++;
    if (click === "1") clicked.add(`${user} ${category}`);
  }
  const rate = ([no = 0, yes = 0]: readonly number[]) => yes / (no + yes);
  expect(rate(counts.seen)).toBeGreaterThan(1.5 * rate(counts.other));
});
