import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserWorld } from "../../config/world/world.ts";
import type { Probabilities } from "../behaviour/outcome.ts";
import { Response, type Showing } from "../behaviour/response.ts";
import { Draws } from "../random.ts";
import { simulate } from "../simulate.ts";
import { poolOf, worldConfig } from "../world.test.support.ts";
import { KNOWN_OUTCOMES, ORACLES, OracleAnswers, oracleColumn } from "./oracles.ts";

const often = { clickRate: 0.2, conversionRate: 0.6, adLoad: 0.9 };
const WIDE: UserWorld = {
  ...{ users: 150, days: 6, people: { tasteSpread: 0.6 }, topics: { creativeDim: 16 } },
  traits: { ofPeople: 2, ofItems: 2, values: 4, spread: 0.6 },
  surfaces: { feed: often, stories: often },
};

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-oracles-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function simulated(name: string, world: UserWorld): Promise<string> {
  const config = worldConfig(world, join(folder, name));
  await simulate(config, { oracles: true });
  return config.folder;
}

type Row = Readonly<Record<string, number | null>>;

/** The truth of each event, with what the oracles say beside it. */
async function answers(world: string): Promise<readonly Row[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const files = (part: string): string => `read_parquet('${join(world, part, "*.parquet")}')`;
  try {
    const sql = `SELECT * EXCLUDE (event_id, time, user_id) FROM ${files("truth")} AS truth JOIN ${files("oracles")} AS oracles
      USING (event_id, time, user_id) JOIN (SELECT event_id, surface = 'stories' AS stories FROM ${files("log")}) USING (event_id)`;
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as unknown as readonly Row[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const columnOf = (id: string, outcome: (typeof KNOWN_OUTCOMES)[number]): string =>
  oracleColumn(outcome, ORACLES.find((oracle) => oracle.id === id)!);

/** Expected log loss of answers `q` where outcomes are drawn by `p`, relative to the best constant. @unit 1 */
function expectedEntropy(rows: readonly Row[], truth: string, answer: string): number {
  const known = rows.filter((row) => row[truth] !== null);
  const loss = (p: number, q: number): number => -(p * Math.log(q) + (1 - p) * Math.log1p(-q));
  const rate = known.reduce((sum, row) => sum + row[truth]!, 0) / known.length;
  const total = known.reduce((sum, row) => sum + loss(row[truth]!, row[answer]!), 0);
  return total / known.length / loss(rate, rate);
}

describe("oracles", () => {
  let rows: readonly Row[];
  beforeAll(async () => {
    rows = await answers(await simulated("wide", WIDE));
  });

  it("know less, the more is hidden from them, and none knows more than the truth", () => {
    const orders = [
      ["no_mood", "no_mind", "no_mind_passing", "no_mind_interests", "no_mind_content", "place_alone"],
      ["no_intents", "no_mind", "no_mind_quality", "no_mind_content"],
      ["no_mind", "no_mind_taste", "no_mind_content"],
      ["no_mind", "no_mind_traits", "no_mind_content"],
    ];
    for (const outcome of ["like", "click"] as const) {
      const truth = `p_${outcome}`;
      for (const order of orders) {
        const all = [truth, ...order.map((id) => columnOf(id, outcome))];
        const entropies = all.map((column) => expectedEntropy(rows, truth, column));
        expect(entropies).toEqual(entropies.toSorted((a, b) => a - b));
        expect(entropies.at(-1)!).toBeLessThan(1);
        expect(entropies.at(-1)! - entropies[0]!).toBeGreaterThan(0.03);
      }
    }
    const conversion = ORACLES.map(({ id }) => expectedEntropy(rows, "p_conversion", columnOf(id, "conversion")));
    expect(Math.min(...conversion)).toBeGreaterThan(expectedEntropy(rows, "p_conversion", "p_conversion"));
  });

  const cells = KNOWN_OUTCOMES.flatMap((outcome) =>
    ORACLES.flatMap(({ id }) => [false, true].map((surface) => [outcome, id, surface] as const)),
  );

  it.each(cells)("are right on average, and about right in every fifth: %s %s, stories %s", (outcome, id, surface) => {
    const known = rows.filter((row) => row[`p_${outcome}`] !== null && Boolean(row["stories"]) === surface);
    const pairs = known.map((row) => [row[columnOf(id, outcome)]!, row[`p_${outcome}`]!] as const);
    const ratio = (part: typeof pairs): number =>
      part.reduce((sum, [q]) => sum + q, 0) / part.reduce((sum, [, p]) => sum + p, 0);
    expect(Math.abs(ratio(pairs) - 1)).toBeLessThan(0.01);
    const sorted = pairs.toSorted(([x], [y]) => x - y);
    const fifths = [0, 1, 2, 3, 4].map((i) => sorted.slice((i * sorted.length) / 5, ((i + 1) * sorted.length) / 5));
    // Conversions have a few events of much weight in each.
    const most = outcome === "conversion" ? 1 : 0.35;
    for (const part of fifths) expect(Math.abs(ratio(part) - 1)).toBeLessThan(most);
  });

  it("have an answer where there is an outcome, and none elsewhere", () => {
    for (const outcome of KNOWN_OUTCOMES) {
      for (const { id } of ORACLES) {
        const odd = rows.filter((row) => {
          const [said, truth] = [row[columnOf(id, outcome)]!, row[`p_${outcome}`]];
          return truth === null ? said !== null : !(said > 0 && said < 1);
        });
        expect(odd).toEqual([]);
      }
    }
  });
});

describe("an oracle of a world without what is hidden from it", () => {
  const WITHOUT: UserWorld = {
    ...WIDE,
    people: { moodSpread: 0, passingInterests: 0 },
    intents: { perMonth: 1e-6, needs: false },
  };

  it("says the truth", async () => {
    const rows = await answers(await simulated("without", WITHOUT));
    for (const outcome of KNOWN_OUTCOMES) {
      for (const id of ["no_mood", "no_intents", "no_mind", "no_mind_passing", "no_mind_taste"]) {
        const odd = rows.filter((row) => {
          const truth = row[`p_${outcome}`];
          return truth !== null && Math.abs(row[columnOf(id, outcome)]! / truth! - 1) > 1e-6;
        });
        expect(odd, `${outcome} ${id}`).toEqual([]);
      }
    }
  });
});

describe("what oracles are asked", () => {
  const config = worldConfig({ users: 1, people: { moodSpread: 0.5 } });
  const response = new Response(config);
  const pool = poolOf("ads", config);
  pool.advance(config.firstDayMs, 1, Draws.of(1, "items"));
  const item = pool.active[0]!;
  const reception = { intent: 0, stage: 2, isExact: true, isDecided: false, satiation: 0.7, repeats: 1, interest: 3 };
  const showing: Showing = {
    ...{ item, reception, surface: 1, position: 3, nowMs: item.bornMs + 3_600_000, mood: 1.9, age: 2, device: 1 },
    ...{ clicks: 1.4, likes: 0.7, trend: 1.2, quality: 1.5, appeal: 0.8, taste: 1.3, affinity: 0.7, level: 0.9 },
  };
  const asked = (id: string): readonly number[] => {
    const oracles = new OracleAnswers(response, config.people.moodSpread);
    oracles.ask(showing, 2.5);
    return Array.from(oracles.values.subarray(3 * ORACLES.findIndex((oracle) => oracle.id === id))).slice(0, 3);
  };
  const of = (changes: Partial<Showing>): readonly number[] => {
    const p = {} as Probabilities;
    response.of({ ...showing, ...changes }, p);
    const click = p.look * p.clickGivenLook;
    return [p.look * p.likeGivenLook, click, click * p.conversionInWindowGivenClick];
  };
  const near = (expected: readonly number[], share: number) =>
    expected.map((p) => expect.closeTo(p, -Math.log10(2 * p * share)));

  it("without the mood is the mean over all moods", () => {
    const step = 0.001;
    const mean = [0, 0, 0];
    for (let z = -8; z < 8; z += step) {
      const weight = (step * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
      for (const [i, p] of of({ mood: Math.exp(0.5 * z - 0.125) }).entries()) mean[i]! += weight * p;
    }
    expect(asked("no_mood")).toEqual(near(mean, 0.02));
  });

  it("without intents is that of nobody's intent; without others, that of a factor of 1", () => {
    const calm = { ...reception, stage: 0, intent: -1, isExact: false };
    expect(asked("no_intents")).toEqual(of({ reception: calm }));
    const small = (id: string, changes: Partial<Showing>): void => {
      const oracle = ORACLES.find((one) => one.id === id)!;
      const answersOfNone = new OracleAnswers(response, 0);
      answersOfNone.ask(showing, 2.5);
      const at = 3 * ORACLES.indexOf(oracle);
      const expected = of({ mood: 1, reception: calm, ...changes });
      expect(Array.from(answersOfNone.values.subarray(at, at + 3))).toEqual(expected.map((p) => expect.closeTo(p, 12)));
    };
    small("no_mind_passing", { reception: { ...calm, interest: 2.5 } });
    small("no_mind_interests", { reception: { ...calm, interest: 1 } });
    small("no_mind_quality", { quality: 1, appeal: 1 });
    small("no_mind_taste", { taste: 1 });
    small("no_mind_traits", { affinity: 1 });
  });
});

describe("a world whose oracles are asked", () => {
  it("has the log and the truth of one whose are not, byte for byte, and keeps them until it changes", async () => {
    const small: UserWorld = { users: 30, days: 2 };
    const asked = await simulated("asked", small);
    const config = worldConfig(small, join(folder, "unasked"));
    expect(await simulate(config)).toMatchObject({ upToDate: false, oracles: null });
    for (const part of ["log", "truth"]) {
      for (const file of readdirSync(join(asked, part))) {
        expect(readFileSync(join(asked, part, file)).equals(readFileSync(join(config.folder, part, file)))).toBe(true);
      }
    }
    expect(readdirSync(asked).sort()).toEqual(["log", "oracles", "truth", "world.json"]);
    const oracles = join(config.folder, "oracles");
    expect(await simulate(config, { oracles: true })).toMatchObject({ upToDate: false, oracles });
    expect(await simulate(config)).toMatchObject({ upToDate: true, oracles });
    expect(await simulate(config, { oracles: true })).toMatchObject({ upToDate: true, oracles });
  });
});
