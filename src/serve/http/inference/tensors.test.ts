import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LapidaryError } from "../../../base/errors.ts";
import { graphInputs, readBundle, type UserRows } from "../../../bundle/index.ts";
import { temporaryFolder } from "../../../data/events.test.support.ts";
import { writeTinyBundle } from "../../bundle.test.support.ts";
import { inferAnswer } from "./answers.ts";
import { exampleInfer, type InferBody, type TensorBody } from "./infer.test.support.ts";
import { type GraphFacts, parseInfer } from "./tensors.ts";

function factsOf(userRows: UserRows): GraphFacts {
  using folder = temporaryFolder();
  writeTinyBundle(join(folder.path, "bundle"), { userRows });
  return readBundle(join(folder.path, "bundle")).manifest;
}

const facts = { request: factsOf("request"), candidate: factsOf("candidate") };

/** The example with one tensor changed. */
function changed(name: string, change: Partial<TensorBody>, userRows: UserRows = "request"): InferBody {
  const body = exampleInfer(userRows);
  return { ...body, inputs: body.inputs.map((input) => (input.name === name ? { ...input, ...change } : input)) };
}

function failure(body: unknown, userRows: UserRows = "request"): LapidaryError {
  try {
    parseInfer(body, facts[userRows]);
  } catch (error) {
    if (error instanceof LapidaryError) return error;
    throw error;
  }
  throw new Error("nothing was wrong");
}

describe("parseInfer", () => {
  it.each(["request", "candidate"] as const)("gives a graph with rows per %s all of its inputs", (userRows) => {
    const { id, size, feeds } = parseInfer(exampleInfer(userRows), facts[userRows]);
    expect([id, size]).toEqual(["42", 2]);
    expect(Object.keys(feeds)).toEqual(graphInputs(facts[userRows].spec, userRows).map(({ name }) => name));
    expect(feeds["numbers"]).toEqual({ data: Float32Array.of(0.5, 0.25, 0, -1), dims: [2, 2] });
    expect(feeds["candidate.item"]).toEqual({ data: Int32Array.of(1, 2), dims: [2] });
    const offsets = userRows === "request" ? Int32Array.of(0, 2) : Int32Array.of(0, 2, 4);
    expect(feeds["offsets"]).toEqual({ data: offsets, dims: [offsets.length] });
    expect(feeds["requests"]?.data).toEqual(userRows === "request" ? Int32Array.of(0, 0) : undefined);
  });

  it("takes the wider types, nested data, any order, members that it does not know, and no history", () => {
    const expected = parseInfer(exampleInfer("request"), facts.request);
    const body = exampleInfer("request");
    const wide = body.inputs.map((input) => ({
      ...input,
      datatype: input.datatype === "INT32" ? "INT64" : "FP64",
      parameters: { binary_data: false },
      ...(input.name === "numbers"
        ? {
            data: [
              [0.5, 0.25],
              [0, -1],
            ],
          }
        : {}),
    }));
    const liberal = { ...body, inputs: wide.toReversed(), parameters: { priority: 1 }, outputs: [], other: null };
    expect(parseInfer(liberal, facts.request)).toEqual(expected);
    const empty = exampleInfer("request").inputs.map((input) => {
      if (input.name.startsWith("history.")) return { ...input, shape: [0], data: [] };
      return input.name === "offsets" ? { ...input, data: [0, 0] } : input;
    });
    const { feeds } = parseInfer({ inputs: empty }, facts.request);
    expect(feeds["history.item"]).toEqual({ data: new Int32Array(0), dims: [0] });
  });

  it("lets requests share a call, each with its own candidates and history", () => {
    const inputs = exampleInfer("request").inputs.map((input) => {
      if (input.name.startsWith("contextual.")) return { ...input, shape: [3], data: [1, 0, 1] };
      if (input.name === "offsets") return { ...input, shape: [4], data: [0, 0, 1, 2] };
      return input.name === "requests" ? { ...input, data: [2, 0] } : input;
    });
    const { feeds } = parseInfer({ inputs }, facts.request);
    expect(feeds["requests"]?.data).toEqual(Int32Array.of(2, 0));
    expect(feeds["offsets"]?.data).toEqual(Int32Array.of(0, 0, 1, 2));
  });

  const item = "candidate.item";
  it.each<readonly [string, string, unknown]>([
    ["a body that is a list", "body", []],
    ["an id that is a number", "id", { ...exampleInfer("request"), id: 42 }],
    ["inputs that are an object", "inputs", { inputs: {} }],
    ["no inputs at all", "inputs", {}],
    ["an input that is text", "inputs[0]", { inputs: ["a"] }],
    ["one input less", "inputs", { inputs: exampleInfer("request").inputs.slice(1) }],
    ["an input twice", "inputs[1].name", { inputs: Array(2).fill(exampleInfer().inputs[0]) }],
    ["an unknown input", "inputs[0].name", { inputs: [{ name: "__proto__" }] }],
    ["outputs that are text", "outputs", { ...exampleInfer("request"), outputs: "logits" }],
    ["an unknown output", "outputs[0].name", { ...exampleInfer("request"), outputs: [{ name: "probabilities" }] }],
    ["a float type for codes", `inputs["${item}"].datatype`, changed(item, { datatype: "FP32" })],
    ["an integer type for numbers", 'inputs["numbers"].datatype', changed("numbers", { datatype: "INT32" })],
    ["a shape of another rank", `inputs["${item}"].shape`, changed(item, { shape: [2, 1] })],
    ["a shape with −1", `inputs["${item}"].shape`, changed(item, { shape: [-1] })],
    ["a shape with a half", `inputs["${item}"].shape`, changed(item, { shape: [1.5] })],
    ["a shape that disagrees with another", `inputs["${item}"].shape`, changed(item, { shape: [3], data: [1, 2, 3] })],
    ["other columns", 'inputs["numbers"].shape', changed("numbers", { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] })],
    ["no data", `inputs["${item}"].data`, changed(item, { data: undefined as never })],
    ["too few values", `inputs["${item}"].data`, changed(item, { data: [1] })],
    ["too many values", `inputs["${item}"].data`, changed(item, { data: [1, 2, 3] })],
    ["nested data of a list", `inputs["${item}"].data[0]`, changed(item, { data: [[1], [2]] })],
    ["a ragged matrix", 'inputs["numbers"].data[1]', changed("numbers", { data: [[1, 2], [3]] })],
    ["a matrix of one row less", 'inputs["numbers"].data', changed("numbers", { data: [[1, 2]] })],
    ["a code of the cardinality", `inputs["${item}"].data[1]`, changed(item, { data: [0, 5] })],
    ["a negative code", `inputs["${item}"].data[0]`, changed(item, { data: [-1, 0] })],
    ["half a code", `inputs["${item}"].data[0]`, changed(item, { data: [0.5, 0] })],
    ["a code as text", `inputs["${item}"].data[0]`, changed(item, { data: ["1", 0] })],
    ["a flag as a code", `inputs["${item}"].data[0]`, changed(item, { data: [true, 0] })],
    ["no code", `inputs["${item}"].data[0]`, changed(item, { data: [null, 0] })],
    ["an infinite number", 'inputs["numbers"].data[2]', changed("numbers", { data: [0, 0, 1e39, 0] })],
    ["a number as text", 'inputs["numbers"].data[0]', changed("numbers", { data: ["1", 0, 0, 0] })],
    ["offsets that do not begin at 0", 'inputs["offsets"].data[0]', changed("offsets", { data: [1, 2] })],
    ["an end before the last event", 'inputs["history.item"].shape', changed("offsets", { data: [0, 1] })],
    ["an end after the last event", 'inputs["history.item"].shape', changed("offsets", { data: [0, 3] })],
    ["a longer history than the model reads", 'inputs["offsets"].data[1]', changed("offsets", { data: [0, 4] })],
    ["a request that there is not", 'inputs["requests"].data[1]', changed("requests", { data: [0, 1] })],
    ["no requests", 'inputs["offsets"].shape', changed("offsets", { shape: [1], data: [0] })],
    ["no candidates", 'inputs["numbers"].shape', changed("numbers", { shape: [0, 2], data: [] })],
  ])("refuses %s", (_, where, body) => {
    expect(failure(body)).toMatchObject({ code: "SERVE_REQUEST", where });
  });

  it("refuses offsets that decrease, or not one per candidate where each has a user of its own", () => {
    const decreasing = changed("offsets", { data: [0, 3, 2] }, "candidate");
    expect(failure(decreasing, "candidate")).toMatchObject({ where: 'inputs["offsets"].data[2]' });
    const one = changed("offsets", { shape: [2], data: [0, 2] }, "candidate");
    expect(failure(one, "candidate")).toMatchObject({ where: 'inputs["offsets"].shape' });
    const requests = changed("requests", {}, "request");
    expect(failure(requests, "candidate")).toMatchObject({ code: "SERVE_REQUEST" });
  });

  it("refuses more candidates or requests than the limit", () => {
    const many = changed("numbers", { shape: [2001, 2], data: Array(4002).fill(0) });
    expect(failure(many)).toMatchObject({ code: "SERVE_LIMIT", where: 'inputs["numbers"].shape' });
    const offsets = changed("offsets", { shape: [2002], data: Array(2002).fill(0) });
    expect(failure(offsets)).toMatchObject({ code: "SERVE_LIMIT", where: 'inputs["offsets"].shape' });
  });

  it("gives a session nothing but what its graph can read, whatever JSON is sent", () => {
    const names = graphInputs(facts.request.spec, "request").map(({ name }) => name);
    const value = fc.oneof({ weight: 20, arbitrary: fc.nat({ max: 6 }) }, fc.integer(), fc.double(), fc.jsonValue());
    const change = fc.record(
      {
        shape: fc.array(value, { maxLength: 2 }),
        datatype: fc.constantFrom("INT32", "INT64", "FP32", "BYTES"),
        data: fc.array(value, { minLength: 1, maxLength: 4 }),
      },
      { requiredKeys: [] },
    );
    const check = (name: string, tensor: object): void => {
      const body = changed(name, tensor);
      let parsed: ReturnType<typeof parseInfer>;
      try {
        parsed = parseInfer(JSON.parse(JSON.stringify(body)), facts.request);
      } catch (error) {
        expect(error).toBeInstanceOf(LapidaryError);
        return;
      }
      for (const { name: own, dtype, cardinality } of graphInputs(facts.request.spec, "request")) {
        const { data, dims } = parsed.feeds[own] ?? { data: [], dims: [-1] };
        expect(data).toBeInstanceOf(dtype === "int32" ? Int32Array : Float32Array);
        expect(data.length).toBe(dims.reduce((product, dim) => product * dim, 1));
        expect(data.every((each) => Number.isFinite(each) && (cardinality === null || each < cardinality))).toBe(true);
      }
    };
    fc.assert(fc.property(fc.constantFrom(...names), change, check), { numRuns: 2000 });
  });
});

describe("inferAnswer", () => {
  const scores = { logits: Float32Array.of(1, 2), dims: [1, 2] };
  const model = { name: "tiny", version: "v" };

  it("has the members of the protocol, and an id only if the request has one", () => {
    const answer = {
      model_name: "tiny",
      model_version: "v",
      outputs: [{ name: "logits", datatype: "FP32", shape: [1, 2], data: [1, 2] }],
    };
    expect(inferAnswer({ id: null, size: 1, feeds: {} }, scores, model)).toEqual(answer);
    expect(inferAnswer({ id: "42", size: 1, feeds: {} }, scores, model)).toEqual({ ...answer, id: "42" });
  });

  it("never writes what JSON has no form of", () => {
    const bad = { ...scores, logits: Float32Array.of(1, Number.NaN) };
    expect(() => inferAnswer({ id: null, size: 1, feeds: {} }, bad, model)).toThrow("finite");
  });
});
