import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

/** The definition, by recursion. */
function naive(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const same = a.at(-1) === b.at(-1) ? 0 : 1;
  const [shortA, shortB] = [a.slice(0, -1), b.slice(0, -1)];
  const choices = [naive(shortA, b) + 1, naive(a, shortB) + 1, naive(shortA, shortB) + same];
  const swapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  if (swapped) choices.push(naive(a.slice(0, -2), b.slice(0, -2)) + 1);
  return Math.min(...choices);
}

describe("editDistance", () => {
  it("equals its recursive definition", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 5 });
    fc.assert(fc.property(word, word, (a, b) => void expect(editDistance(a, b)).toBe(naive(a, b))));
  });
});

describe("nearest", () => {
  const known = ["epochs", "seed", "learningRate", "tableLearningRate"];

  it.each([
    ["epoch", "epochs"],
    ["eopchs", "epochs"],
    ["learning_rate", "learningRate"],
    ["LEARNINGRATE", "learningRate"],
  ])("%s is near %s", (word, expected) => expect(nearest(word, known)).toBe(expected));

  it.each(["", "zzzzzz", "x".repeat(10_000)])("finds nothing near %j", (word) => {
    expect(nearest(word, known)).toBeNull();
  });
});
