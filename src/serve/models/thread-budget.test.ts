import { describe, expect, it } from "vitest";
import { threadsOf } from "./thread-budget.ts";

describe("threadsOf", () => {
  it("gives one model all cores, and several an equal share of whole ones", () => {
    expect(threadsOf({ cores: 8, models: 1, taken: 0 })).toBe(8);
    expect(threadsOf({ cores: 8, models: 3, taken: 0 })).toBe(2);
    expect(threadsOf({ cores: 8, models: 200, taken: 0 })).toBe(1);
  });

  it("gives no more than what is left, but one", () => {
    expect(threadsOf({ cores: 8, models: 2, taken: 6 })).toBe(2);
    expect(threadsOf({ cores: 8, models: 2, taken: 8 })).toBe(1);
  });

  it("never lets models that come one after the other have as many as cores and models together", () => {
    for (const cores of [1, 2, 16]) {
      let taken = 0;
      for (let models = 1; models <= 100; models++) {
        taken += threadsOf({ cores, models, taken });
        expect(taken).toBeLessThan(cores + models);
      }
    }
  });
});
