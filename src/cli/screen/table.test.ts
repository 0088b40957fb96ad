import { expect, it } from "vitest";
import { formatPairs, formatTable } from "./table.ts";

it("columns are as wide as their widest cell, and stand as they are told", () => {
  const rows = [
    ["add", "1.2"],
    ["a longer name", "1,234.5"],
  ];
  expect(formatTable(["case", "ours"], rows, ["left", "right"])).toBe(
    ["case              ours", "-------------  -------", "add                1.2", "a longer name  1,234.5"].join("\n"),
  );
});

it("no line ends in spaces, and missing cells are empty", () => {
  expect(formatTable(["a", "b"], [["1"], ["2", ""]])).toBe("a  b\n-  -\n1\n2");
  expect(formatTable(["a"], [])).toBe("a\n-");
});

it("pairs stand in one column", () => {
  expect(
    formatPairs([
      ["rows", "12"],
      ["  no user", "1"],
      ["store", ""],
    ]),
  ).toBe("rows       12\n  no user  1\nstore");
  expect(formatPairs([])).toBe("");
});
