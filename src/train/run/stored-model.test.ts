import { describe, expect, it } from "vitest";
import { projectIn, USER_CONFIG } from "../../../test/train/project.ts";
import { ARCHITECTURE_DEFAULTS } from "../../config/model/architecture.ts";
import { TRANSFER_DEFAULTS } from "../../config/model/transfer.ts";
import { changesOf } from "./run-changes.ts";
import { modelOfRun, type StoredModel } from "./stored-model.ts";

const { models, split } = projectIn("/nowhere", {
  models: { ...USER_CONFIG.models, mine: { kind: "./mine.ts", options: { width: 3 } } },
});
const NAMES = Object.keys(models);

/** A model as runs kept it when all kinds had the parts of all. */
function earlier(name: string, change: Partial<StoredModel> = {}): StoredModel {
  const every = { architecture: ARCHITECTURE_DEFAULTS, options: {}, teacher: null, transfer: TRANSFER_DEFAULTS };
  const { counters: _, ...model } = models[name]!;
  return JSON.parse(JSON.stringify({ ...every, ...model, ...change })) as StoredModel;
}

/** Settings that another run of the model would have to change. */
function changes(name: string, stored: StoredModel): readonly string[] {
  const [now] = [models[name]!];
  const rest = { name, split, events: "a".repeat(64) };
  return changesOf({ ...rest, model: modelOfRun(stored) }, { ...rest, model: now }).map(({ path }) => path);
}

describe("the model of a run", () => {
  it.each(NAMES)("of an earlier version is the same, of %s", (name) => {
    expect(modelOfRun(earlier(name))).toEqual(models[name]);
    expect(changes(name, earlier(name))).toEqual([]);
  });

  it.each(NAMES)("of %s comes back as it was kept", (name) => {
    expect(modelOfRun(models[name]!)).toEqual(models[name]);
  });

  it("has the parts of its kind, and no others, to compare", () => {
    const architecture = { ...ARCHITECTURE_DEFAULTS, deepHistory: 3 };
    expect(changes("previous", earlier("previous", { architecture }))).toEqual([]);
    expect(changes("foundation", earlier("foundation", { architecture }))).toEqual([
      "models.foundation.architecture.deepHistory",
    ]);
    expect(changes("mine", earlier("mine", { options: { width: 4 } }))).toEqual(["models.mine.options.width"]);
  });

  it("was trained as a key that it does not know has it by default", () => {
    const { tableL2, ...training } = models["previous"]!.training;
    expect(changes("previous", earlier("previous", { training: training as never }))).toEqual([]);
    expect(changes("previous", earlier("previous", { training: { ...training, tableL2: 0.1 } }))).toEqual([
      "models.previous.training.tableL2",
    ]);
  });

  it("has the teacher that it learned from, and how", () => {
    const transfer = { ...TRANSFER_DEFAULTS, technique: "distill", labelScale: 2 } as const;
    expect(modelOfRun(earlier("vertical", { teacher: "foundation", transfer }))).toEqual({
      ...models["vertical"],
      teacher: "foundation",
      transfer,
    });
  });
});
