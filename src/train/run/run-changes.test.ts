import { describe, expect, it } from "vitest";
import { projectIn, USER_CONFIG } from "../../../test/train/project.ts";
import type { UserConfig } from "../../config/schema.ts";
import { changesOf, differencesOf } from "./run-changes.ts";
import type { RunConfig } from "./run-config.ts";

function configOf(model: keyof typeof USER_CONFIG.models, changes: Partial<UserConfig> = {}): RunConfig {
  const { models, split } = projectIn("/nowhere", changes);
  const config = models[model];
  if (config === undefined) throw new Error(model);
  return { name: model, model: config, split, events: "a".repeat(64) };
}

const { training, split } = USER_CONFIG;
const before = configOf("previous");

describe("changesOf", () => {
  it("names each setting as it is written, with both values", () => {
    const after = configOf("previous", {
      training: { ...training, epochs: 4, order: "days" },
      split: { ...split, validationUntil: "2025-03-05T12:00:00Z" },
      models: { ...USER_CONFIG.models, previous: { ...USER_CONFIG.models.previous, minCount: 5 } },
    });
    expect(changesOf(before, { ...after, events: "b".repeat(64), share: 0.5 })).toEqual([
      { path: "models.previous.minCount", was: "2", now: "5" },
      { path: "models.previous.training.epochs", was: "3", now: "4" },
      { path: "models.previous.training.order", was: "shuffled", now: "days" },
      { path: "split.validationUntil", was: "2025-03-05", now: "2025-03-05T12:00:00Z" },
      { path: "events", was: "aaaaaaaaaaaa", now: "bbbbbbbbbbbb" },
      { path: "share", was: null, now: "0.5" },
    ]);
  });

  it("leaves out what cannot change the result", () => {
    const after = configOf("previous", {
      training: { ...training, threads: 7, checkpointEverySteps: 1 },
      split: { ...split, testUntil: "2025-03-09" },
      models: { ...USER_CONFIG.models, logistic: { kind: "logistic", minCount: 9 } },
      runs: "elsewhere",
      bundles: "others",
    });
    expect(changesOf(before, after)).toEqual([]);
  });
});

describe("differencesOf", () => {
  it("puts the values of all runs side by side, whatever they decide", () => {
    const logistic = configOf("logistic", { training: { ...training, threads: 2 } });
    const found = differencesOf([before, logistic, before]);
    expect(found.find(({ path }) => path === "model.training.threads")?.values).toEqual(["1", "2", "1"]);
    expect(found.find(({ path }) => path === "model.kind")?.values).toEqual(["previous", "logistic", "previous"]);
    expect(differencesOf([before, before])).toEqual([]);
  });
});
