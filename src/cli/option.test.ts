import { describe, expect, it } from "vitest";
import { integer, list, repeated, text } from "./option.ts";

describe("options", () => {
  it("integers are whole and large enough", () => {
    const option = integer("N", "", { minimum: 5, fallback: null });
    expect(option.parse("5", null)).toBe(5);
    for (const wrong of ["4", "-7", "5.5", "1e2", "0x9", "", " 7", "99999999999999999999", "seven"]) {
      expect(() => option.parse(wrong, null), wrong).toThrow(/whole number of at least 5/);
    }
  });

  it("lists add up and split at commas, repeated texts only add up", () => {
    const cases = list("A,B", "");
    expect(cases.parse("c,,d", cases.parse("a,b", cases.fallback))).toEqual(["a", "b", "c", "d"]);
    const set = repeated("KEY=VALUE", "");
    expect(set.parse("b=[1,2]", set.parse("a=1", set.fallback))).toEqual(["a=1", "b=[1,2]"]);
  });

  it("show only the defaults that say something", () => {
    expect(text("PATH", "").shown).toBeNull();
    expect(text("PATH", "", "runs").shown).toBe("runs");
    expect(integer("N", "", { minimum: 1, fallback: 7 }).shown).toBe("7");
  });
});
