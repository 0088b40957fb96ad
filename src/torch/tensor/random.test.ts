import { describe, expect, test } from "vitest";
import { RandomGenerator, rand, randn } from "../index.ts";
import { collect } from "../memory.test.support.ts";
import { native } from "../native.ts";

const draw = (generator: RandomGenerator, count = 8): number[] => randn([count], { generator }).toNumbers();

describe("a random generator", () => {
  test("gives the same numbers for the same seed, and others for others", () => {
    const seeds = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 33 + 1, 2 ** 53];
    const all = seeds.map((seed) => draw(RandomGenerator.seeded(seed)).join());
    expect(seeds.map((seed) => draw(RandomGenerator.seeded(seed)).join())).toEqual(all);
    expect(new Set(all).size).toBe(seeds.length);
  });

  test("goes on, so that parts are the whole", () => {
    const uniform = (generator: RandomGenerator, count: number): number[] => rand([count], { generator }).toNumbers();
    const generator = RandomGenerator.seeded(5);
    const parts = [...uniform(generator, 3), ...uniform(generator, 5)];
    expect(parts).toEqual(uniform(RandomGenerator.seeded(5), 8));
  });

  test("goes on from a state that was saved, here and in another generator", () => {
    const generator = RandomGenerator.seeded(3);
    // An odd count: half of a pair of normal numbers is part of the state.
    draw(generator, 7);
    const state = generator.state;
    expect(state.dtype).toBe("uint8");
    const expected = draw(generator, 9);
    generator.state = state;
    expect(draw(generator, 9)).toEqual(expected);
    const other = RandomGenerator.seeded(99);
    other.state = state;
    expect(draw(other, 9)).toEqual(expected);
  });

  test("has a state that later numbers do not change", () => {
    const generator = RandomGenerator.seeded(3);
    const state = generator.state;
    const before = state.toNumbers();
    draw(generator, 1000);
    expect(state.toNumbers()).toEqual(before);
  });

  test("does not depend on others", () => {
    const [a, b] = [RandomGenerator.seeded(1), RandomGenerator.seeded(2)];
    const apart = [draw(RandomGenerator.seeded(1), 4), draw(RandomGenerator.seeded(2), 4)];
    const mixed = [0, 1, 2, 3].map(() => [draw(a, 1), draw(b, 1)]);
    const alone = [RandomGenerator.seeded(1), RandomGenerator.seeded(2)].map((generator) =>
      [0, 1, 2, 3].map(() => draw(generator, 1)),
    );
    expect([0, 1].map((i) => mixed.map((pair) => pair[i]))).toEqual(alone);
    expect(apart[0]).not.toEqual(apart[1]);
  });

  test("refuses a state that is none, and keeps its own", () => {
    const generator = RandomGenerator.seeded(3);
    const { state } = generator;
    expect(() => {
      generator.state = state.slice(0, 1);
    }).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
    expect(draw(generator)).toEqual(draw(RandomGenerator.seeded(3)));
  });

  test("is freed with its object", async () => {
    const ids = Array.from({ length: 10 }, () => RandomGenerator.seeded(1).id);
    await collect();
    for (const id of ids) expect(() => native.generatorState(id)).toThrow(/unknown generator/);
  });
});
