import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventStore } from "../../../src/data/index.ts";
import { evaluateRuns } from "../../../src/evaluate/evaluation.ts";
import { ORIGIN_CODES } from "../../../src/features/schema.ts";
import { RunFolder } from "../../../src/train/run/run-folder.ts";
import { inputsOf, makeStore, projectIn, temporaryFolder, timesOf, trainAlone, USER_CONFIG } from "../project.ts";

const { previous } = USER_CONFIG.models;

let folder: ReturnType<typeof temporaryFolder>;
const project = () =>
  projectIn(folder.path, {
    models: {
      previous,
      ads: { ...previous, training: { examples: "ad" } },
      posts: { ...previous, training: { examples: "organic" } },
      rate: { kind: "baseRate", training: { examples: "ad" } },
    },
  });
const runOf = (run: string) => RunFolder.at(`${project().runs}/${run}`).summary;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  for (const model of ["previous", "ads", "posts"]) await trainAlone(project(), { model });
});
afterAll(() => folder[Symbol.dispose]());

describe("a model that learns from the examples of one origin", () => {
  it("learns from them, and the parts make the whole", () => {
    expect(runOf("ads")?.examples).toBeGreaterThan(0);
    expect((runOf("ads")?.examples ?? 0) + (runOf("posts")?.examples ?? 0)).toBe(runOf("previous")?.examples);
  });

  it("takes the rates of their labels as they are there", () => {
    const { store: path } = project();
    const { trainUntilMs } = timesOf(project());
    const store = EventStore.open(path);
    const [clicks, origins] = [store.column("click"), store.column("origin")];
    let [known, positive] = [0, 0];
    for (let user = 1; user <= store.numUsers; user++) {
      const { start, end } = store.userRange(user);
      const times = store.timesOf(start, end, user);
      for (let row = start; row < end; row++) {
        const isKnown = times[row - start]! + 600_000 <= trainUntilMs && clicks.at(row) > 0;
        if (!isKnown || origins.at(row) !== ORIGIN_CODES.ad) continue;
        known++;
        positive += clicks.at(row) - 1;
      }
    }
    store.close();
    const { rates, spec } = inputsOf(project(), project().models["rate"]!);
    expect(rates[spec.objectives.indexOf("click")]).toBe(positive / known);
  });

  it("scores all examples, as the others do", async () => {
    const { runs } = await evaluateRuns(project(), { runs: ["previous", "ads", "posts"], split: "test" });
    const [all, ...parts] = runs.map(({ objectives }) => objectives["click"]?.overall);
    expect(parts.map((part) => part?.examples)).toEqual([all?.examples, all?.examples]);
    expect(parts.map((part) => part?.normalizedEntropy)).not.toContain(all?.normalizedEntropy);
  });
});
