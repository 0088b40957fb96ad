import { describe, expect, it } from "vitest";
import { transferRatio } from "./transfer-ratio.ts";

describe("the transfer ratio", () => {
  it.each([
    { alone: 0.9, teacher: 0.8, student: 0.85, ratio: 0.5 },
    { alone: 0.9, teacher: 0.8, student: 0.75, ratio: 1.5 },
    { alone: 0.9, teacher: 0.8, student: 0.95, ratio: -0.5 },
  ])("of $student between $alone and $teacher is $ratio", ({ ratio, ...of }) => {
    expect(transferRatio(of)).toBeCloseTo(ratio, 12);
  });

  it.each([
    { alone: 0.8, teacher: 0.8, student: 0.7 },
    { alone: 0.8, teacher: 0.9, student: 0.7 },
    { alone: 0.8, teacher: Number.NaN, student: 0.7 },
  ])("does not exist where the teacher has no advantage: %j", (of) => {
    expect(transferRatio(of)).toBeNull();
  });
});
