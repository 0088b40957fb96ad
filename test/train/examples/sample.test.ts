/** A sample of the examples, against a hash that is computed here once more, by whole numbers of any size. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countExamples, EventStore, windowOf } from "../../../src/data/index.ts";
import { evaluateRuns } from "../../../src/evaluate/index.ts";
import { readPredictions } from "../../../src/train/predict.ts";
import { RunFolder } from "../../../src/train/run/run-folder.ts";
import { inputsOf, makeStore, projectIn, temporaryFolder, trainAlone, USER_CONFIG } from "../project.ts";

const { previous } = USER_CONFIG.models;
const SHARE = 0.25;

let folder: ReturnType<typeof temporaryFolder>;
const project = (sample = 1) =>
  projectIn(folder.path, {
    evaluation: { sample },
    models: {
      whole: previous,
      some: { ...previous, training: { sample: SHARE } },
      more: { ...previous, training: { sample: 0.5 } },
      rate: { kind: "baseRate", training: { sample: SHARE } },
      ads: { kind: "baseRate", training: { sample: SHARE, examples: "ad" } },
    },
  });
const runOf = (run: string) => RunFolder.at(`${project().runs}/${run}`);

/** "lowbias32" of the row and the sample's seed. */
function isKept(row: number, share: number): boolean {
  const mask = (1n << 32n) - 1n;
  let h = BigInt(row) ^ 0x5a3b1en;
  h ^= h >> 16n;
  h = (h * 0x7feb352dn) & mask;
  h ^= h >> 15n;
  h = (h * 0x846ca68bn) & mask;
  h ^= h >> 16n;
  return Number(h) < share * 2 ** 32;
}

beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  for (const model of ["whole", "some", "more"]) await trainAlone(project(), { model });
});
afterAll(() => folder[Symbol.dispose]());

describe("training.sample", () => {
  it("keeps the examples whose hash is low, whatever the seed, and no other", () => {
    const { split, store: path } = project();
    using store = EventStore.open(path);
    const window = windowOf(split, "train");
    if (split.kind !== "time") throw new Error("a split by time");
    const rows = (share: number): number => {
      let count = 0;
      for (let user = 1; user <= store.numUsers; user++) {
        const { start, end } = store.userRange(user);
        const times = store.timesOf(start, end, user);
        for (let row = start; row < end; row++) {
          if (times[row - start]! < split.trainUntilMs && isKept(row, share)) count++;
        }
      }
      return count;
    };
    for (const share of [SHARE, 0.5, 0.9]) {
      const kept = countExamples(store, window, { surface: null, origin: null, sample: share });
      expect(kept).toBe(rows(share));
      expect(Math.abs(kept / countExamples(store, window) - share)).toBeLessThan(0.03);
    }
    expect(inputsOf(project(), project().models["some"]!).numExamples).toBe(rows(SHARE));
  });

  it("is what a run learns from, and is one of its settings", async () => {
    const [whole, more, some] = ["whole", "more", "some"].map((run) => runOf(run).summary?.examples ?? 0);
    expect(some! / whole!).toBeCloseTo(SHARE, 1);
    expect(more! / whole!).toBeCloseTo(0.5, 1);
    const changed = project();
    const models = { ...changed.models, some: changed.models["more"]! };
    await expect(trainAlone({ ...changed, models }, { model: "some" })).rejects.toMatchObject({ code: "RUN_CHANGED" });
  });

  it("goes together with the origin of the examples", () => {
    const { store: path, split, models } = project();
    using store = EventStore.open(path);
    const ads = countExamples(store, windowOf(split, "train"), { surface: null, origin: "ad" });
    const kept = inputsOf(project(), models["ads"]!).numExamples;
    expect(Math.abs(kept / ads - SHARE)).toBeLessThan(0.05);
  });

  it("leaves histories, and the rows of ids, as they are", () => {
    const [whole, some] = [project().models["whole"]!, project().models["some"]!].map((model) =>
      inputsOf(project(), model),
    );
    expect(some?.vocabularies["item"]?.cardinality).toBe(whole?.vocabularies["item"]?.cardinality);
    expect(some?.rates).not.toEqual(whole?.rates);
  });
});

describe("evaluation.sample", () => {
  it("scores the examples whose hash is low, each with its whole history, of every run", async () => {
    const all = await evaluateRuns(project(), { runs: ["whole", "some"], split: "test" });
    const scored = (run: string) => readPredictions(runOf(run).predictions("test"))["click"]!;
    const whole = scored("some");
    await evaluateRuns(project(SHARE), { runs: ["whole", "some"], split: "test" });
    const kept = scored("some");
    const at = Array.from(whole.rows, (row, i) => [row, i] as const).filter(([row]) => isKept(row, SHARE));
    expect(Array.from(kept.rows)).toEqual(at.map(([row]) => row));
    expect(Array.from(kept.logits)).toEqual(at.map(([, i]) => expect.closeTo(whole.logits[i]!, 5)));
    expect(Array.from(kept.historyLengths)).toEqual(at.map(([, i]) => whole.historyLengths[i]));
    expect(all.runs[0]?.objectives["click"]?.overall.examples).toBe(whole.rows.length);
  });
});
