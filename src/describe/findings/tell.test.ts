import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Slots } from "../tallies/slots.ts";
import { tellOf } from "./tell.ts";

/** Normalized entropy with each label predicted from the others of its group and one at the base rate, one by one. */
function naive(groups: readonly (readonly number[])[]): number {
  const all = groups.flat();
  const base = all.reduce((a, b) => a + b, 0) / all.length;
  let loss = 0;
  for (const labels of groups) {
    for (const [i, label] of labels.entries()) {
      const others = labels.filter((_, j) => j !== i);
      const rate = (others.reduce((a, b) => a + b, 0) + base) / (others.length + 1);
      loss -= Math.log(label === 1 ? rate : 1 - rate);
    }
  }
  return loss / -(base * Math.log(base) + (1 - base) * Math.log(1 - base)) / all.length;
}

function slotsOf(groups: readonly (readonly number[])[]): Slots {
  const slots = new Slots(groups.length, 1);
  for (const [group, labels] of groups.entries()) {
    const codes = [Uint8Array.from(labels, (label) => label + 1)];
    for (let i = 0; i < labels.length; i++) slots.count(group, codes, i);
  }
  return slots;
}

const tell = (groups: readonly (readonly number[])[]) =>
  tellOf({ slots: slotsOf(groups), size: groups.length, nameOf: String }, 0);

describe("tellOf", () => {
  it("is what leaving out each label in turn gives", () => {
    const some = fc.array(fc.array(fc.nat(1), { maxLength: 30 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(some, (groups) => {
        const both = [...groups, Array.from({ length: 60 }, (_, i) => i % 2)];
        expect(tell(both)?.normalizedEntropy).toBeCloseTo(naive(both), 9);
      }),
      { numRuns: 200 },
    );
  });

  it("says nothing of groups of one, and everything of a copy", () => {
    const single = Array.from({ length: 300 }, (_, i) => [i % 3 === 0 ? 1 : 0]);
    expect(tell(single)?.normalizedEntropy).toBeCloseTo(1, 9);
    const copy = [Array.from({ length: 200 }, () => 0), Array.from({ length: 100 }, () => 1)];
    expect(tell(copy)?.normalizedEntropy).toBeLessThan(0.05);
    expect(tell(copy)?.auc).toBe(1);
  });

  it("gives no judgement on few labels", () => {
    expect(tell([[...Array.from({ length: 500 }, () => 0), 1, 1, 1]])).toBeNull();
  });
});
