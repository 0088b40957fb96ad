import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/train/project.ts";
import type { ModulePath } from "../../config/module-path.ts";
import { buildModel } from "../../model/index.ts";
import { TINY_SPEC, tinyBatch, tinyConfig } from "../../model/testing.ts";
import { parametersOf } from "../../nn/index.ts";
import { initial64 } from "../../nn/testing.ts";
import { loadOwnModel } from "./own-code.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

/** Writes a module of a model; its path. */
function write(source: string, path: ModulePath = "./model.ts"): ModulePath {
  writeFileSync(join(folder.path, path), source);
  return path;
}

const load = (kind: ModulePath) => loadOwnModel({ root: folder.path }, { kind });

/** The model that a module makes of the tiny spec. */
function modelOf(source: string, options: Readonly<Record<string, unknown>> = {}) {
  const kind = write(source);
  const own = load(kind).model;
  if (own === null) throw new Error("no module");
  const config = { ...tinyConfig("previous"), kind, options };
  return buildModel(config, { spec: TINY_SPEC, rates: [0.1, 0.3], initial: initial64(), own });
}

/** A model that is a bias: what `members` adds or replaces. */
const biased = (members: string): string => `
  import { type Batch, outputWidth } from "lapidary/model";
  import { add } from "./scale.ts";
  import { type Tensor, zeros } from "lapidary/torch";
  class Biased {
    readonly bias: Tensor;
    constructor(bias: Tensor) { this.bias = bias; }
    logits(batch: Batch): Tensor { return this.rows(batch, 2).mul(add(0, 1)); }
    rows(batch: Batch, width: number): Tensor { return this.bias.slice(0, 0, width).unsqueeze(0).expand([batch.size, width]); }
    ${members}
  }
  export function init(spec, { sizes, history, options }, initial) {
    if (options["fails"]) throw new TypeError("no such option");
    if (outputWidth(spec) !== 2 || history !== 50 || sizes.dim !== 4) throw new Error("another spec");
    return new Biased(initial.zeros([2]));
  }`;

const scale = (body = "a + b"): void => {
  writeFileSync(join(folder.path, "scale.ts"), `export const add = (a: number, b: number): number => ${body};\n`);
};

describe("a module of a model", () => {
  beforeAll(() => scale());

  it("makes a model whose parameters are its fields, and whose biases begin at the base rate", () => {
    const model = modelOf(biased("outputBiases() { return [this.bias]; }"));
    const { dense } = parametersOf(model);
    expect(dense.map(({ name }) => name)).toEqual(["bias"]);
    const odds = [0.1, 0.3].map((rate) => Math.log(rate / (1 - rate)));
    expect(model.logits(tinyBatch([1, 0])).toNumbers()).toEqual([...odds, ...odds]);
  });

  it("has a digest of its content and of what it imports, wherever the project lies", () => {
    const source = biased("");
    const digest = () => load(write(source)).modules["./model.ts"];
    const first = digest();
    expect(digest()).toBe(first);
    scale("b + a");
    expect(digest()).not.toBe(first);
    scale();
    expect(digest()).toBe(first);
    const elsewhere = join(folder.path, "elsewhere");
    mkdirSync(elsewhere);
    for (const [name, text] of [
      ["model.ts", source],
      ["scale.ts", "export const add = (a: number, b: number): number => a + b;\n"],
    ] as const) {
      writeFileSync(join(elsewhere, name), text);
    }
    expect(loadOwnModel({ root: elsewhere }, { kind: "./model.ts" }).modules["./model.ts"]).toBe(first);
  });

  it("may be JavaScript, of a folder above", () => {
    writeFileSync(join(folder.path, "plain.mjs"), "export const init = () => null;\n");
    const inner = join(folder.path, "inner");
    mkdirSync(inner);
    expect(loadOwnModel({ root: inner }, { kind: "../plain.mjs" }).model?.where).toBe(join(folder.path, "plain.mjs"));
  });

  it("that is not there, cannot be loaded, or lacks init, is told", () => {
    const refused = (facts: object) => expect.objectContaining(facts);
    expect(() => load("./absent.ts")).toThrow(
      refused({ code: "MODULE_NOT_FOUND", where: join(folder.path, "absent.ts") }),
    );
    const invalid = (source: string, got: RegExp): void => {
      expect(() => load(write(source))).toThrow(refused({ code: "MODULE_INVALID", got: expect.stringMatching(got) }));
    };
    invalid("export function init( {", /model\.ts/);
    invalid("throw new Error('not today');", /not today/);
    invalid("import { absent } from './absent.ts'; export const init = absent;", /absent/);
    invalid("export const initialize = 1;", /^exports initialize$/);
    invalid("const x = 1;", /^no exports$/);
    invalid("export const init = 3;", /^exports init$/);
  });

  it.each([
    ["", { fails: true }, /^init returns?|to return/, /^TypeError: no such option \(line 13\)$/],
    ["logits(batch) { return this.rows(batch, 1); }", {}, /\[3, 2\]/, /\[3, 1\]/],
    ["logits(batch) { return this.rows(batch, 2).t(); }", {}, /\[3, 2\]/, /\[2, 3\]/],
    ["logits() { return 0; }", {}, /\[3, 2\]/, /number/],
    ["logits(batch) { return this.rows(batch, 2).log(); }", {}, /finite/, /infinite/],
    ["logits(batch) { return batch.nothing.x; }", {}, /return/, /^TypeError: Cannot read.*\(line 10\)$/],
    ["backbone(batch) { return this.rows(batch, 1); } outputs(x) { return x; }", {}, /\[3, 2\]/, /\[3, 1\]/],
    [
      "backbone(batch) { return this.rows(batch, 2).add(1); } outputs(x) { return x; }",
      {},
      /what `logits` gives/,
      /difference of 1/,
    ],
    ["represent(batch) { return { logits: this.logits(batch) }; }", {}, /\[3, any\]/, /undefined/],
    [
      "user(batch) { return this.rows(batch, 2); } score(user) { return user.sub(3); }",
      {},
      /what `logits` gives/,
      /difference/,
    ],
  ])("whose model gives what it must not, is told: %s", (...[members, options, expected, got]) => {
    expect(() => modelOf(biased(members), options)).toThrow(
      expect.objectContaining({
        code: "MODULE_RESULT",
        expected: expect.stringMatching(expected),
        got: expect.stringMatching(got),
      }),
    );
  });

  it("that makes no model is told", () => {
    expect(() => modelOf("export const init = () => null;")).toThrow(
      expect.objectContaining({ code: "MODULE_RESULT", got: "null" }),
    );
  });
});
