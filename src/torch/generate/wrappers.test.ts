import { describe, expect, test } from "vitest";
import { emitTensor } from "./emit.ts";
import { parseSchema } from "./schema.ts";

/** The text for one operator of the given schema. */
const emitted = (text: string): string => {
  const schema = parseSchema(text);
  return emitTensor([{ name: schema.name.slice(schema.name.indexOf("::") + 2), schemas: [schema] }]);
};

describe("a schema", () => {
  test("is read with its overload, defaults, keywords and alias marks", () => {
    const schema = parseSchema(
      'a::b.c(Tensor(a!) self, int[2] dim=[0, 1], *, str mode="x", Tensor?[] t) -> Tensor(a!)',
    );
    expect(schema).toMatchObject({ name: "a::b", overload: "c", returns: ["Tensor"], inPlace: false });
    expect(schema.arguments).toEqual([
      { type: "Tensor", name: "self", fallback: null, keywordOnly: false },
      { type: "int[]", name: "dim", fallback: "[0, 1]", keywordOnly: false },
      { type: "str", name: "mode", fallback: '"x"', keywordOnly: true },
      { type: "Tensor?[]", name: "t", fallback: null, keywordOnly: true },
    ]);
  });

  test("has several results, or none", () => {
    expect(parseSchema("a::b() -> (Tensor first, Tensor second)").returns).toEqual(["Tensor", "Tensor"]);
    expect(parseSchema("a::b_(Tensor(a!) self) -> ()")).toMatchObject({ returns: [], inPlace: true });
    expect(parseSchema("a::_b(SymInt n) -> Tensor[]")).toMatchObject({ returns: ["Tensor[]"], inPlace: false });
  });

  test("that is none is refused", () => {
    expect(() => parseSchema("a::b(Tensor self)")).toThrow("not an operator schema");
  });
});

describe("a wrapper", () => {
  test("is a method of its first tensor, or a function", () => {
    expect(emitted("a::b_c(Tensor self, int n) -> Tensor")).toContain("  bC(n: number): Tensor {");
    expect(emitted("a::b(Tensor[] xs, int n=1) -> Tensor")).toContain(
      "export function b(xs: readonly Tensor[], n?: number): Tensor {",
    );
  });

  test("returns what the operator does", () => {
    expect(emitted("a::b(Tensor self) -> bool")).toContain("b(): boolean {");
    expect(emitted("a::b(Tensor self) -> Tensor[]")).toContain("b(): Tensor[] {");
    expect(emitted("a::b(Tensor self) -> (Tensor, Tensor)")).toContain("b(): [Tensor, Tensor] {");
    expect(emitted("a::b_(Tensor(a!) self) -> Tensor(a!)")).toContain("b_(): this {");
    expect(emitted("a::b_(Tensor(a!) t) -> ()")).toContain("export function b_(t: Tensor): void {");
  });

  test("hides how memory is laid out, and keeps the place of what comes after", () => {
    const text = emitted("a::b(Tensor self, *, Layout? layout=None, ScalarType? dtype=None) -> Tensor");
    expect(text).toContain("b(options?: { readonly dtype?: DType | null }): Tensor {");
    expect(text).toContain("this.handle, undefined, dtypeCode(options?.dtype)");
  });

  test("of a type without a TypeScript type is refused", () => {
    expect(() => emitted("a::b(Stream s) -> Tensor")).toThrow("no TypeScript type for Stream s");
  });
});
