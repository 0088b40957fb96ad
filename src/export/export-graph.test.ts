import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { ROW_FORMATS, type RowFormat } from "../config/types.ts";
import type { Batch, ContentColumns, FeatureSpec } from "../features/spec.ts";
import { buildModel, type Model, type SplitModel } from "../model/index.ts";
import { CONTENT_SPEC, contentBatch, TINY_SPEC, tinyBatch, tinyConfig } from "../model/testing.ts";
import { Initializer, parametersOf } from "../nn/index.ts";
import { countValues, rowBytes } from "../ops/index.ts";
import { toRows } from "../ops/tables/generated.ts";
import { cat, noGrad, RandomGenerator, randn, Scope } from "../torch/index.ts";
import { exportGraph } from "./export-graph.ts";

type Exported = "baseRate" | "logistic" | "previous" | "din" | "vertical";

/** A model of float32, but for its rows, whose every parameter matters. */
function model32(kind: Exported, spec: FeatureSpec = TINY_SPEC, rows: RowFormat = "float32"): Model {
  const generator = RandomGenerator.seeded(3);
  const initial = new Initializer(generator, { rows });
  const model = buildModel(tinyConfig(kind), { spec, rates: spec.objectives.map(() => 0.2), initial });
  const { dense, tables } = parametersOf(model);
  for (const { tensor } of dense) tensor.detach().add_(initial.normal(tensor.shape, 0.3));
  for (const { tensor, leaf } of tables) {
    tensor.detach().copy_(toRows(randn(leaf.shape, { generator }).mul(0.3), tensor.dtype));
  }
  return model;
}

/** {@link TINY_SPEC} with categories of so many ids that rows are most of a graph. */
const LARGE_SPEC: FeatureSpec = {
  ...TINY_SPEC,
  contextual: TINY_SPEC.contextual.map((feature) => ({ ...feature, cardinality: 3000 })),
  candidate: TINY_SPEC.candidate.map((feature) => ({ ...feature, cardinality: 5000 })),
};

/** Vectors and lists of rows, as the graph takes them. */
function contentFeeds(kind: string, rows: number, content: ContentColumns | undefined): [string, OrtTensor][] {
  const { vectors = {}, lists = {} } = content ?? {};
  const int32 = (array: Int32Array): OrtTensor => new OrtTensor("int32", array, [array.length]);
  const width = (name: string): number => ({ image: 4, words: 2 })[name] ?? 0;
  return [
    ...Object.entries(vectors).map(([name, array]): [string, OrtTensor] => {
      return [`${kind}.${name}`, new OrtTensor("float32", array, [rows, width(name)])];
    }),
    ...Object.entries(lists).flatMap(([name, { offsets, codes }]): [string, OrtTensor][] => [
      [`${kind}.${name}`, int32(codes)],
      [`${kind}.${name}.offsets`, int32(offsets)],
    ]),
  ];
}

function feedsOf({ size, contextual, candidate, numbers, content, history }: Batch): Record<string, OrtTensor> {
  const codes = (kind: string, columns: Readonly<Record<string, Int32Array>>): [string, OrtTensor][] =>
    Object.entries(columns).map(([name, values]) => [
      `${kind}.${name}`,
      new OrtTensor("int32", values, [values.length]),
    ]);
  return {
    ...Object.fromEntries(codes("contextual", contextual)),
    ...Object.fromEntries(codes("candidate", candidate)),
    numbers: new OrtTensor("float32", numbers, [size, numbers.length / size]),
    ...Object.fromEntries(contentFeeds("candidate", size, content)),
    ...Object.fromEntries(contentFeeds("history", history.offsets.at(-1) ?? 0, history.content)),
    ...Object.fromEntries(codes("history", history.codes)),
    offsets: new OrtTensor("int32", history.offsets, [size + 1]),
    requests: new OrtTensor(
      "int32",
      Int32Array.from({ length: size }, (_, i) => i),
      [size],
    ),
  };
}

/** Largest `|a − b| / max(1, |b|)` between ONNX Runtime and libtorch. */
async function difference(session: InferenceSession, model: Model, batch: Batch): Promise<number> {
  const expected = ((): Float32Array => {
    using _scope = new Scope();
    return noGrad(() => model.logits(batch).contiguous())
      .float32()
      .slice();
  })();
  const feeds = feedsOf(batch);
  const sessionFeeds = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name] as OrtTensor]));
  const { logits } = await session.run(sessionFeeds);
  const actual = logits?.data as Float32Array;
  expect(actual.length).toBe(expected.length);
  return expected.reduce((worst, z, i) => Math.max(worst, Math.abs(actual[i]! - z) / Math.max(1, Math.abs(z))), 0);
}

const BATCHES: Readonly<Record<string, readonly number[]>> = {
  "one example": [4],
  "one example without history": [0],
  "empty histories": [0, 0, 0],
  ragged: [3, 0, 1, 7, 0, 2, 0],
  "a very long history": [0, 20_000, 1],
  "many examples": Array.from({ length: 300 }, (_, i) => (i * 7) % 13),
};

describe("an exported model", () => {
  it.each(["baseRate", "logistic", "previous", "din", "vertical"] as const)(
    "of kind %s scores as libtorch does",
    async (kind) => {
      const model = model32(kind);
      const session = await InferenceSession.create(exportGraph(model, TINY_SPEC, "0"));
      for (const [name, lengths] of Object.entries(BATCHES)) {
        for (const seed of [1, 50])
          expect(await difference(session, model, tinyBatch(lengths, seed)), name).toBeLessThan(1e-5);
      }
    },
  );

  it.each(["baseRate", "logistic", "previous", "din", "vertical"] as const)(
    "of kind %s with vectors and lists scores as libtorch does",
    async (kind) => {
      const model = model32(kind, CONTENT_SPEC);
      const session = await InferenceSession.create(exportGraph(model, CONTENT_SPEC, "0"));
      expect(session.inputNames).toEqual(expect.arrayContaining(["candidate.image", "history.tags.offsets"]));
      for (const [name, lengths] of Object.entries(BATCHES)) {
        for (const seed of [1, 50])
          expect(await difference(session, model, contentBatch(lengths, seed)), name).toBeLessThan(1e-5);
      }
      const batch = contentBatch([2, 0, 1]);
      const rows = (all: ContentColumns | undefined): ContentColumns | undefined => {
        const lists = Object.entries(all?.lists ?? {}).map(([name, { offsets }]) => {
          return [name, { offsets: offsets.map(() => 0), codes: new Int32Array(0) }] as const;
        });
        return all && { ...all, lists: Object.fromEntries(lists) };
      };
      const { content, history } = { content: rows(batch.content), history: rows(batch.history.content) };
      const empty = {
        ...batch,
        ...(content && { content }),
        history: { ...batch.history, ...(history && { content: history }) },
      };
      expect(await difference(session, model, empty), "all lists empty").toBeLessThan(1e-5);
    },
  );

  it.each(ROW_FORMATS)("with lists over %s rows scores as libtorch does", async (format) => {
    for (const kind of ["logistic", "vertical"] as const) {
      const model = model32(kind, CONTENT_SPEC, format);
      const session = await InferenceSession.create(exportGraph(model, CONTENT_SPEC, "0"));
      expect(await difference(session, model, contentBatch([3, 0, 1, 7])), kind).toBeLessThan(1e-5);
    }
  });

  const narrow = ROW_FORMATS.filter((format) => format !== "float32");

  it.each(narrow)("with %s rows scores as libtorch does", async (format) => {
    for (const kind of ["logistic", "previous", "vertical"] as const) {
      const model = model32(kind, TINY_SPEC, format);
      const session = await InferenceSession.create(exportGraph(model, TINY_SPEC, "0"));
      for (const [name, lengths] of Object.entries(BATCHES)) {
        expect(await difference(session, model, tinyBatch(lengths, 1)), `${kind}, ${name}`).toBeLessThan(1e-5);
      }
    }
  });

  it.each(narrow)("with %s rows holds no byte more than they have", (format) => {
    for (const kind of ["previous", "vertical"] as const) {
      const [full, small] = (["float32", format] as const).map((rows) => model32(kind, LARGE_SPEC, rows));
      const values = parametersOf(small as Model).tables.reduce((sum, { tensor }) => sum + countValues(tensor), 0);
      const rows = values / 4;
      const saved = rows * (rowBytes({ dim: 4, format: "float32" }) - rowBytes({ dim: 4, format }));
      const [before, after] = [full, small].map((model) => exportGraph(model as Model, LARGE_SPEC, "0").byteLength);
      expect(rows).toBeGreaterThan(16_000);
      expect(Math.abs((before ?? 0) - (after ?? 0) - saved), kind).toBeLessThan(6000);
    }
  });

  it("with int8 rows that are all equal, or far apart, scores as libtorch does", async () => {
    const model = model32("previous", TINY_SPEC, "int8");
    const { tables } = parametersOf(model);
    for (const [t, { tensor, leaf }] of tables.entries()) {
      const values = randn(leaf.shape, { generator: RandomGenerator.seeded(t) }).mul(t % 2 === 0 ? 0 : 1e4);
      tensor.detach().copy_(toRows(values, tensor.dtype));
    }
    const session = await InferenceSession.create(exportGraph(model, TINY_SPEC, "0"));
    expect(await difference(session, model, tinyBatch([3, 0, 2]))).toBeLessThan(1e-5);
  });

  it("of a split model reads each user once, whatever number of candidates and wherever they stand", async () => {
    const spec = { ...TINY_SPEC, pastEmbeddings: 3 };
    const model = model32("vertical", spec);
    const session = await InferenceSession.create(exportGraph(model, spec, "0"));
    const rows = [2, 0, 0, 1, 2, 2, 0];
    const users = tinyBatch([4, 0, 3], 5);
    const candidates = tinyBatch(rows.map(() => 0));
    const past = Float32Array.from({ length: 9 }, (_, i) => Math.sin(i));
    const { logits } = await session.run({
      ...feedsOf(candidates),
      ...Object.fromEntries(
        Object.entries(feedsOf(users)).filter(([name]) => /^(contextual|history|offsets)/.test(name)),
      ),
      requests: new OrtTensor("int32", Int32Array.from(rows), [7]),
      past: new OrtTensor("float32", past, [3, 3]),
    });
    using _scope = new Scope();
    const expected = noGrad(() => {
      const user = (model as SplitModel).user({ ...users, knowledge: { logits: past, mask: past, past } });
      const each = rows.map((row) => user.slice(0, row, row + 1));
      return (model as SplitModel).score(cat(each, 0), candidates);
    }).toNumbers();
    for (const [i, z] of expected.entries()) expect(Number(logits?.data[i])).toBeCloseTo(z, 5);
  });

  it.each(["previous", "din"] as const)("of kind %s reads past embeddings, one row per candidate", async (kind) => {
    const spec = { ...TINY_SPEC, pastEmbeddings: 3 };
    const model = model32(kind, spec);
    const session = await InferenceSession.create(exportGraph(model, spec, "0"));
    const batch = tinyBatch([3, 0]);
    const past = Float32Array.of(0.5, -1, 2, 0, 3, -0.25);
    const { requests, ...feeds } = feedsOf(batch);
    const { logits } = await session.run({ ...feeds, past: new OrtTensor("float32", past, [2, 3]) });
    using _scope = new Scope();
    const knowledge = { logits: past, mask: past, past };
    const expected = noGrad(() => model.logits({ ...batch, knowledge })).toNumbers();
    for (const [i, z] of expected.entries()) expect(Number(logits?.data[i])).toBeCloseTo(z, 5);
  });

  it("has every input of the spec, and equal bytes for equal models", async () => {
    const bytes = exportGraph(model32("logistic"), TINY_SPEC, "0");
    const session = await InferenceSession.create(bytes);
    const names = Object.keys(feedsOf(tinyBatch([1]))).filter((name) => name !== "requests");
    expect([...session.inputNames].sort()).toEqual(names.sort());
    expect(session.outputNames).toEqual(["logits"]);
    expect(Buffer.from(bytes).equals(exportGraph(model32("logistic"), TINY_SPEC, "0"))).toBe(true);
  });

  it("is refused with the name of an operator that has no form", () => {
    const inner = model32("logistic");
    const model: Model = { logits: (batch) => inner.logits(batch).cumsum(1) };
    expect(() => exportGraph(model, TINY_SPEC, "0")).toThrow(
      expect.objectContaining({ code: "EXPORT_UNSUPPORTED", where: "aten::cumsum" }),
    );
  });
});
