/** Amounts and counts that are predicted are labels, positive where they are above 0. */
import { describe, expect, it } from "vitest";
import type { EventsConfig } from "../config/types.ts";
import { plainConfig, plainLog, profileOf, type Row } from "./describe.test.support.ts";

const OBJECTIVE = { delayMs: 600_000, objective: true, windowOf: null } as const;

function configOf(path: string): EventsConfig {
  const config = plainConfig(path);
  const ids = { kind: "dictionary" } as const;
  return {
    ...config,
    attributes: { ...config.attributes, paid: { from: "paid", kind: "number", ids } },
    outcomes: {
      ...config.outcomes,
      spend: { from: "spend", kind: "value", ...OBJECTIVE },
      views: { from: "views", kind: "count", ...OBJECTIVE },
    },
  };
}

const logOf = (own: (i: number) => Row): readonly Row[] => plainLog(600, 1).map((row, i) => ({ ...row, ...own(i) }));
const mixed = (i: number): Row => ({
  spend: i % 5 === 0 ? null : i % 3 === 0 ? 0 : 1 + (i % 17),
  views: i % 4,
  paid: i % 5 === 0 ? 0 : i % 3 === 0 ? 0 : 1 + (i % 17),
});

describe("amounts and counts", () => {
  it("are labels by surface, day and window, and numbers by their values", async () => {
    const rows = logOf(mixed);
    const { labels, fields, time } = await profileOf(rows, configOf);
    const known = rows.filter((row) => row["spend"] !== null && Number(row["time"]) + 600_000 <= (time?.latestMs ?? 0));
    const spend = labels.find(({ name }) => name === "spend");
    expect(spend).toMatchObject({ kind: "value", objective: true, known: known.length });
    expect(spend?.positive).toBe(known.filter((row) => Number(row["spend"]) > 0).length);
    expect(labels.find(({ name }) => name === "views")).toMatchObject({ kind: "count", objective: true });
    expect(labels.find(({ name }) => name === "click")).not.toHaveProperty("kind");
    expect(fields.find(({ name }) => name === "spend")?.values).toMatchObject({
      kind: "number",
      distribution: { max: 17 },
    });
  });

  it("are suspicious if they never vary, are 0 everywhere, or an attribute tells them", async () => {
    const found = async (own: (i: number) => Row) => {
      const { findings } = await profileOf(logOf(own), configOf);
      return findings.filter(({ field }) => ["spend", "views", "paid"].includes(field)).map(({ code }) => code);
    };
    expect((await found(mixed)).sort()).toEqual(["LABEL_TOLD", "OUTCOME_COPIED"]);
    expect(await found((i) => ({ ...mixed(i), paid: i % 7, spend: 0 }))).toContain("LABEL_CONSTANT");
    expect(await found((i) => ({ ...mixed(i), paid: i % 7, spend: 5 }))).toEqual(["FIELD_CONSTANT"]);
    expect(await found((i) => ({ ...mixed(i), paid: i % 7, spend: 1 + (i % 9) }))).toEqual([]);
  });
});
