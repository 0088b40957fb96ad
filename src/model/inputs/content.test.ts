/** Vectors and lists, in every kind of model. */
import { beforeAll, describe, expect, test } from "vitest";
import { MODEL_KINDS, type ModelKind } from "../../config/model/model.ts";
import { contentOf } from "../../features/content.ts";
import type { Batch, ContentColumns, FeatureSpec, ListColumn } from "../../features/spec.ts";
import {
  DenseParameters,
  initAdamW,
  multiObjectiveLoss,
  parametersOf,
  stepAdamW,
  takeRowGradient,
} from "../../nn/index.ts";
import { checkLayerGrads, initial64, naiveLinear, perturb } from "../../nn/testing.ts";
import { initTablesAdagrad, stepTablesAdagrad } from "../../ops/index.ts";
import { fromArray, gradientOf, noGrad, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import type { Model } from "../model.ts";
import { CONTENT_SPEC, contentBatch, partOf, tinyModel } from "../testing.ts";
import { contentFields } from "./content-maps.ts";
import { Embeddings, eventTokens } from "./embeddings.ts";

const LEARNED = MODEL_KINDS.filter((kind) => kind !== "baseRate");
const NO_HISTORY: readonly ModelKind[] = ["logistic", "wukong"];
const RAGGED = [3, 0, 1, 6, 2, 9];

const modelOf = (kind: ModelKind): Model => tinyModel(kind, { spec: CONTENT_SPEC });

beforeAll(() => setThreads(1));

/** Rows of a table as plain numbers. */
function rowsOf(table: Tensor): number[][] {
  const [count = 0, dim = 0] = table.shape;
  const all = table.detach().toNumbers();
  return Array.from({ length: count }, (_, row) => all.slice(row * dim, (row + 1) * dim));
}

/** `mean_i row_i` of each list in a loop, zeros of an empty one. */
function naivePool(rows: readonly (readonly number[])[], { offsets, codes }: ListColumn): number[][] {
  return Array.from({ length: offsets.length - 1 }, (_, r) => {
    const own = [...codes.slice(offsets[r], offsets[r + 1])].map((code) => rows[code] ?? []);
    return Array.from({ length: rows[0]?.length ?? 0 }, (_, d) =>
      own.length === 0 ? 0 : own.reduce((sum, row) => sum + (row[d] ?? Number.NaN), 0) / own.length,
    );
  });
}

/** The fields of each row in loops: lists, then vectors. */
function naiveFields({ tables, vectors }: Embeddings, content: ContentColumns): number[][][] {
  const { lists, vectors: features } = contentOf(CONTENT_SPEC);
  const pooled = lists.map(({ name, table }) =>
    naivePool(rowsOf(tables[table]?.weight as Tensor), content.lists[name] as ListColumn),
  );
  const projected = features.map(({ name, dim }) => {
    const inputs = content.vectors[name] as Float32Array;
    const rows = Array.from({ length: inputs.length / (dim + 1) }, (_, r) => [
      ...inputs.slice(r * (dim + 1), (r + 1) * (dim + 1)),
    ]);
    return rows.map((x) => naiveLinear(x, vectors[name] as NonNullable<(typeof vectors)[string]>));
  });
  return [...pooled, ...projected];
}

describe("fields", () => {
  const embeddings = perturb(Embeddings.init(CONTENT_SPEC, 4, initial64()));
  const batch = contentBatch(RAGGED);
  const content = batch.content as ContentColumns;

  test("are means of rows and linear maps", () => {
    const fields = contentFields(embeddings, content);
    const expected = naiveFields(embeddings, content);
    expect(fields).toHaveLength(expected.length);
    for (const [f, field] of fields.entries()) toBeClose(field.detach(), expected[f]?.flat() ?? []);
  });

  test("of the candidate are tokens, and part of the candidate", () => {
    const { features, candidate } = embeddings.apply(batch);
    const fields = naiveFields(embeddings, content);
    const first = CONTENT_SPEC.contextual.length + CONTENT_SPEC.candidate.length;
    expect(features.shape).toEqual([batch.size, Embeddings.numTokens(CONTENT_SPEC), 4]);
    for (let b = 0; b < batch.size; b++) {
      const own = rowsOf(features.detach().select(0, b));
      expect(
        own
          .slice(first, -1)
          .flat()
          .map((x) => x.toFixed(9)),
      ).toEqual(fields.flatMap((field) => field[b] ?? []).map((x) => x.toFixed(9)));
      const joined = own.slice(CONTENT_SPEC.contextual.length, -1).flat();
      toBeClose(candidate.detach().select(0, b), naiveLinear(joined, embeddings.item));
    }
  });

  test("of an event are added to what its ids say", () => {
    const past = batch.history.content as ContentColumns;
    const { history } = CONTENT_SPEC;
    const fields = naiveFields(embeddings, past);
    const tokens = rowsOf(eventTokens(embeddings, batch.history).detach());
    for (const [l, token] of tokens.entries()) {
      const ids = history.flatMap(({ name, table }) => {
        const rows = rowsOf(embeddings.tables[table]?.weight as Tensor);
        return rows[batch.history.codes[name]?.[l] ?? 0] ?? [];
      });
      const mapped = naiveLinear(
        fields.flatMap((field) => field[l] ?? []),
        embeddings.eventContent as NonNullable<Embeddings["eventContent"]>,
      );
      const expected = naiveLinear(ids, embeddings.event).map((x, d) => x + (mapped[d] ?? Number.NaN));
      for (const [d, x] of expected.entries()) expect(token[d]).toBeCloseTo(x, 9);
    }
  });

  test("that the batch lacks are told by name", () => {
    expect(() => contentFields(embeddings, undefined)).toThrow("the batch has no feature image");
    const { vectors } = content;
    expect(() => contentFields(embeddings, { vectors, lists: {} })).toThrow("the batch has no feature tags");
  });
});

/** The same batch with other vectors, or with other lists, of the candidates or of the events. */
function changed(batch: Batch, where: "content" | "history", what: keyof ContentColumns): Batch {
  const other = contentBatch(RAGGED, 99);
  const mixed = (own: ContentColumns | undefined, others: ContentColumns | undefined): ContentColumns => {
    return { ...(own as ContentColumns), [what]: (others as ContentColumns)[what] };
  };
  if (where === "content") return { ...batch, content: mixed(batch.content, other.content) };
  return { ...batch, history: { ...batch.history, content: mixed(batch.history.content, other.history.content) } };
}

describe.each(LEARNED)("%s", (kind) => {
  test.skipIf(kind === "counters")("reads vectors and lists, of the events too if it reads histories", () => {
    const model = perturb(modelOf(kind));
    const batch = contentBatch(RAGGED);
    const logits = model.logits(batch);
    expect(logits.isfinite().all().item()).toBe(1);
    for (const what of ["vectors", "lists"] as const) {
      const before = kind === "logistic" && what === "lists";
      if (before) noGrad(() => (model as unknown as Embeddings).tables["tags"]?.weight.fill_(0).select(0, 1).fill_(1));
      const from = before ? model.logits(batch) : logits;
      expect(model.logits(changed(batch, "content", what)).equal(from), what).toBe(false);
      expect(model.logits(changed(batch, "history", what)).equal(from), what).toBe(NO_HISTORY.includes(kind));
    }
  });

  test("an example's logits do not depend on the others of its batch, nor on the order of ids", () => {
    const model = perturb(modelOf(kind));
    const batch = contentBatch(RAGGED);
    const whole = model.logits(batch);
    for (let b = 0; b < batch.size; b++) {
      toBeClose(model.logits(partOf(batch, b, b + 1)), whole.slice(0, b, b + 1), { rtol: 1e-9, atol: 1e-9 });
    }
    const reversed = ({ offsets, codes }: ListColumn): ListColumn => {
      const backward = Array.from({ length: offsets.length - 1 }, (_, r) =>
        [...codes.slice(offsets[r], offsets[r + 1])].reverse(),
      );
      return { offsets, codes: Int32Array.from(backward.flat()) };
    };
    const { vectors, lists } = batch.content as ContentColumns;
    const content = {
      vectors,
      lists: Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, reversed(list)])),
    };
    toBeClose(model.logits({ ...batch, content }), whole, { rtol: 1e-12, atol: 1e-12 });
  });

  test("has gradients that reach every parameter, and agree with differences", () => {
    const model = modelOf(kind);
    const batch = contentBatch(RAGGED);
    model.logits(batch).square().sum().backward();
    const { dense, tables } = parametersOf(model);
    const unreached = dense.filter(({ tensor }) => !((gradientOf(tensor)?.abs().amax().item() ?? 0) > 0));
    expect(unreached.map(({ name }) => name)).toEqual([]);
    for (const { name, tensor } of tables) {
      expect(gradientOf(tensor)?.values().abs().amax().item(), name).toBeGreaterThan(0);
    }
    const small = contentBatch([3, 0, 1]);
    checkLayerGrads(modelOf(kind), (own) => own.logits(small), { rtol: 1e-5, step: 1e-7 });
  });

  test("stays finite where all is missing, and where components are as large as they may be", () => {
    const model = modelOf(kind);
    const batch = contentBatch(RAGGED);
    const filled = (content: ContentColumns | undefined, value: number): ContentColumns => {
      const { vectors, lists } = content as ContentColumns;
      const same = Object.entries(vectors).map(([name, inputs]) => [name, inputs.map(() => value)] as const);
      const none = Object.entries(lists).map(([name, { offsets }]) => {
        return [name, { offsets: offsets.map(() => 0), codes: new Int32Array(0) }] as const;
      });
      return { vectors: Object.fromEntries(same), lists: value === 0 ? Object.fromEntries(none) : lists };
    };
    for (const value of [0, 1000, -1000]) {
      const history = { ...batch.history, content: filled(batch.history.content, value) };
      const logits = model.logits({ ...batch, content: filled(batch.content, value), history });
      expect(logits.isfinite().all().item(), `${value}`).toBe(1);
    }
  });

  test("of a spec without them has none of their parameters", () => {
    const names = parametersOf(tinyModel(kind)).dense.map(({ name }) => name);
    expect(names.filter((name) => /vectors|eventContent/.test(name))).toEqual([]);
  });
});

describe("learning", () => {
  const SIZE = 64;
  const EVENTS = 3;

  /** Random examples whose labels only `what` of the candidates, or of the newest event, tells. */
  function learnable(seed: number, what: keyof ContentColumns, side: "candidate" | "past"): Batch {
    const batch = contentBatch(Array(SIZE).fill(EVENTS), seed);
    const content = (side === "candidate" ? batch.content : batch.history.content) as ContentColumns;
    const truth = (b: number): boolean => {
      const row = side === "candidate" ? b : b * EVENTS + EVENTS - 1;
      if (what === "vectors") return (content.vectors["image"]?.[4 * row] ?? 0) > 0;
      const { offsets, codes } = content.lists["tags"] as ListColumn;
      return codes.slice(offsets[row], offsets[row + 1]).some((code) => code === 2 || code === 3);
    };
    const labels = Float32Array.from({ length: 2 * SIZE }, (_, i) => Number(truth(Math.floor(i / 2))));
    return { ...batch, labels };
  }

  /** Mean log loss of the logits, over the entropy of the labels' own rate, of both objectives together. */
  function normalizedEntropy(model: Model, batches: readonly Batch[]): number {
    using _ = new Scope();
    const zs = batches.flatMap((batch) => noGrad(() => model.logits(batch)).toNumbers());
    const ys = batches.flatMap(({ labels }) => [...labels]);
    const rate = ys.reduce((sum, y) => sum + y, 0) / ys.length;
    const loss = zs.reduce((sum, z, i) => sum + Math.log1p(Math.exp(ys[i] === 1 ? -z : z)), 0) / zs.length;
    return loss / -(rate * Math.log(rate) + (1 - rate) * Math.log(1 - rate));
  }

  function train(kind: ModelKind, spec: FeatureSpec, batches: readonly Batch[]): Model {
    const model = tinyModel(kind, { spec });
    const { dense, tables } = parametersOf(model);
    const parameters = DenseParameters.gather(dense);
    const weights = tables.map(({ tensor }) => tensor);
    const moments = initTablesAdagrad(weights);
    let state = initAdamW(parameters.values);
    for (const batch of batches) {
      using _ = new Scope();
      const labels = fromArray(batch.labels, [SIZE, 2]).to({ dtype: "float64" });
      const mask = fromArray(batch.labelMask, [SIZE, 2]).to({ dtype: "float64" });
      parameters.clearGradient();
      multiObjectiveLoss(model.logits(batch), { labels, mask }).backward();
      state = stepAdamW(state, parameters, { learningRate: 0.01, weightDecay: 0.01 });
      const rows = weights.map(takeRowGradient);
      const features = rows.map(({ indices }, table) => ({ table, codes: indices }));
      const at = { lookup: { tables: weights, features }, gradients: rows.map(({ values }) => values) };
      stepTablesAdagrad(at, moments, { learningRate: 0.1 });
    }
    return model;
  }

  const { content: _, ...WITHOUT } = CONTENT_SPEC;
  const series = (seeds: readonly number[], what: keyof ContentColumns, side: "candidate" | "past"): Batch[] =>
    seeds.map((seed) => learnable(seed, what, side));

  test.each([
    ["logistic", "vectors", "candidate"],
    ["logistic", "lists", "candidate"],
    ["previous", "vectors", "candidate"],
    ["previous", "lists", "candidate"],
    ["vertical", "vectors", "candidate"],
    ["vertical", "lists", "candidate"],
    ["foundation", "vectors", "candidate"],
    ["foundation", "lists", "candidate"],
    ["foundation", "vectors", "past"],
    ["foundation", "lists", "past"],
  ] as const)("%s finds in %s of the %s what nothing else tells", (kind, what, side) => {
    const seedsFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
    const training = series(seedsFrom(1000, 200), what, side);
    const test = series(seedsFrom(5000, 20), what, side);
    const [withContent, withoutContent] = [CONTENT_SPEC, WITHOUT].map((spec) =>
      normalizedEntropy(train(kind, spec, training), test),
    );
    expect(withoutContent).toBeGreaterThan(0.97);
    expect(withContent).toBeLessThan(0.75);
  });
});
