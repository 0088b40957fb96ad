import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { Batch } from "../features/spec.ts";
import type { Model } from "../model/index.ts";
import { TINY_SPEC, tinyBatch } from "../model/testing.ts";
import { dense, gated, norm, tokenMap, tokenProducts } from "../ops/fused/generated.ts";
import { JaggedTensor } from "../ops/index.ts";
import { segmentMax, segmentSum } from "../ops/jagged/generated.ts";
import { tablesLinear, tablesPool } from "../ops/tables/generated.ts";
import {
  arange,
  cat,
  embedding,
  fromArray,
  layerNorm,
  linear,
  noGrad,
  ones,
  Scope,
  stack,
  type Tensor,
  tensor,
  trace,
  zeros,
} from "../torch/index.ts";
import { exportGraph } from "./export-graph.ts";
import { LOWERED, type LoweredOperator } from "./lowerings.ts";

const SPEC = { ...TINY_SPEC, contextual: [], candidate: [] };
const WEIGHT = tensor([0.5, -1, 2, 0.25], [2, 2]);
const SHIFT = tensor([0.1, -0.7]);

/** What a case is given: the dense inputs x [B, 2], events [L, 2] made of their codes, and the histories. */
interface Inputs {
  readonly x: Tensor;
  readonly events: Tensor;
  readonly history: JaggedTensor;
  readonly size: number;
}

/** A use of each operator, with a result [B, 2]; a lowering without a case does not compile. */
const CASES: Readonly<Record<LoweredOperator, (inputs: Inputs) => Tensor>> = {
  "aten::add.Tensor": ({ x }) => x.add(SHIFT, { alpha: 3 }),
  "aten::add.Scalar": ({ x }) => x.add(0.5, { alpha: 3 }),
  "aten::sub.Tensor": ({ x }) => x.sub(SHIFT, { alpha: 2 }),
  "aten::sub.Scalar": ({ x }) => x.sub(1),
  "aten::mul.Tensor": ({ x }) => x.mul(SHIFT),
  "aten::mul.Scalar": ({ x }) => x.mul(-2.5),
  "aten::div.Tensor": ({ x }) => x.div(SHIFT),
  "aten::div.Scalar": ({ x }) => x.div(3),
  "aten::neg": ({ x }) => x.neg(),
  "aten::exp": ({ x }) => x.mul(20).exp(),
  "aten::log": ({ x }) => x.square().add(1e-3).log(),
  "aten::sqrt": ({ x }) => x.square().sqrt(),
  "aten::rsqrt": ({ x }) => x.square().add(1e-3).rsqrt(),
  "aten::square": ({ x }) => x.square(),
  "aten::sigmoid": ({ x }) => x.mul(100).sigmoid(),
  "aten::tanh": ({ x }) => x.mul(5).tanh(),
  "aten::relu": ({ x }) => x.relu(),
  "aten::silu": ({ x }) => x.mul(100).silu(),
  "aten::clamp": ({ x }) => x.clamp(-0.2).clamp(undefined, 0.3),
  "aten::linear": ({ x }) => linear(linear(x.unsqueeze(1), WEIGHT, SHIFT).squeeze(1), WEIGHT, null),
  "aten::addmm": ({ x }) => SHIFT.addmm(x, WEIGHT, { beta: 2, alpha: 0.5 }),
  "aten::mm": ({ x }) => x.mm(WEIGHT),
  "aten::matmul": ({ x }) => x.unsqueeze(1).matmul(WEIGHT).squeeze(1),
  "aten::sum.dim_IntList": ({ x }) => x.add(x.sum([-1], true)),
  "aten::mean.dim": ({ x }) => x.add(x.mean([1], true)),
  "aten::softmax.int": ({ x }) => x.mul(50).softmax(-1),
  "aten::layer_norm": ({ x }) => layerNorm(layerNorm(x, [2], SHIFT, SHIFT, 1e-2), [2]),
  "aten::reshape": ({ x, size }) => x.reshape([2 * size]).reshape([-1, 2]),
  "aten::flatten.using_ints": ({ x }) => x.unsqueeze(1).flatten(1),
  "aten::expand": ({ size }) => SHIFT.unsqueeze(0).expand([size, 2]),
  "aten::transpose.int": ({ x }) => x.unsqueeze(2).transpose(1, -1).squeeze(1),
  "aten::unsqueeze": ({ x }) => x.unsqueeze(-1).squeeze(-1),
  "aten::squeeze.dim": ({ x }) => x.unsqueeze(0).squeeze(0).squeeze(1),
  "aten::contiguous": ({ x }) => x.contiguous(),
  "aten::clone": ({ x }) => x.clone(),
  "aten::detach": ({ x }) => x.detach(),
  "aten::_to_copy": ({ x }) => x.mul(9).to({ dtype: "int64" }).to({ dtype: "float32" }),
  "aten::diff": ({ history, x }) => x.mul(history.offsets.diff().unsqueeze(1)),
  "aten::cat": ({ x, events, size }) => cat([x, events], 0).splitWithSizes([size, events.shape[0] ?? 0])[0] as Tensor,
  "aten::stack": ({ x }) => stack([x, x.mul(2)], 1).sum([1]),
  "aten::split_with_sizes": ({ x }) => cat(x.splitWithSizes([1, 1], 1).reverse(), 1),
  "aten::index_select": ({ x }) => x.indexSelect(1, fromArray(BigInt64Array.of(1n, 0n), [2])),
  "aten::repeat_interleave.self_Tensor": ({ history, x }) => segmentSum(history.spread(x), history.offsets),
  "aten::embedding": ({ x, size }) => x.add(embedding(WEIGHT, zeros([size], { dtype: "int64" }).add(1))),
  "aten::zeros": ({ x, size }) => x.add(zeros([size, 2])),
  "aten::ones": ({ x, size }) => x.add(ones([size, 1])),
  "aten::arange.start_step": ({ x, size }) => x.add(arange(0, size, 1, { dtype: "float32" }).unsqueeze(1)),
  "lapidary::segment_sum": ({ events, history }) => segmentSum(events, history.offsets),
  "lapidary::segment_max": ({ events, history }) => segmentMax(events, history.offsets).clamp(-5),
  "lapidary::tables_pool": ({ x, size, events, history }) => {
    const codes = zeros([size], { dtype: "int64" });
    const tables = [WEIGHT.mul(2), WEIGHT];
    const byId = tablesPool(tables, [1, 0], [codes.add(1), codes], [], [], false, []);
    // Bags as long as histories, some empty, beside single ids.
    const ids = events.square().sum([1]).add(0.7).to({ dtype: "int64" });
    const none = zeros([0], { dtype: "int64" });
    const pooled = [true, false].flatMap((mean) =>
      tablesPool(tables, [0, 1, 0], [ids, ids, codes], [history.offsets, history.offsets, none], [], mean, []),
    );
    return [...byId, ...pooled].reduce((sum, one, i) => sum.add(one.mul(i + 1)), x);
  },
  "lapidary::tables_linear": ({ x, size }) => {
    const codes = zeros([size], { dtype: "int64" });
    const [tables, weight] = [[WEIGHT.mul(2), WEIGHT], cat([WEIGHT, WEIGHT.mul(3)], 1)];
    const actual = [SHIFT, null].map((bias) =>
      tablesLinear(tables, [1, 0], [codes.add(1), codes], weight, bias, null, []),
    );
    return actual.reduce((sum, one) => sum.add(one), x);
  },
  "lapidary::dense": ({ x }) => dense(dense(x, WEIGHT, SHIFT, "relu"), WEIGHT, null, "silu"),
  "lapidary::gated": ({ x }) => gated(x.mul(20), gated(x, x, "silu"), "sigmoid"),
  "lapidary::token_map": ({ x }) => tokenMap(x.unsqueeze(2), WEIGHT).squeeze(2),
  "lapidary::token_products": ({ x }) => tokenProducts(x.unsqueeze(2), x.square().unsqueeze(2)).squeeze(2),
  "lapidary::norm": ({ x }) => {
    return norm(x, SHIFT, SHIFT, "layer", 1e-2).add(norm(x, SHIFT, null, "rms", 1e-2));
  },
};

/** The case as a model. */
function modelOf(body: (inputs: Inputs) => Tensor): Model {
  return {
    logits: ({ size, numbers, history }: Batch) => {
      const codes = history.codes["pastItem"] as Int32Array;
      const column = fromArray(codes, [codes.length]).to({ dtype: "float32" }).div(7).sub(0.6).unsqueeze(1);
      const events = cat([column, column.square()], 1);
      const x = fromArray(numbers, [size, 2]);
      return body({ x, events, size, history: JaggedTensor.of(events, history.offsets) });
    },
  };
}

async function logitsOf(session: InferenceSession, { numbers, size, history }: Batch): Promise<Float32Array> {
  const codes = (values: Int32Array): OrtTensor => new OrtTensor("int32", values, [values.length]);
  const past = Object.entries(history.codes).map(([name, values]) => [`history.${name}`, codes(values)] as const);
  const rest = { numbers: new OrtTensor("float32", numbers, [size, 2]), offsets: codes(history.offsets) };
  const { logits } = await session.run({ ...Object.fromEntries(past), ...rest });
  return logits?.data as Float32Array;
}

function expected(model: Model, batch: Batch): Float32Array {
  using _scope = new Scope();
  return noGrad(() => model.logits(batch).contiguous())
    .float32()
    .slice();
}

describe("a lowered operator", () => {
  it.each(LOWERED)("%s computes in ONNX Runtime what it does in libtorch", async (operator) => {
    const model = modelOf(CASES[operator]);
    const { calls } = trace(() => model.logits(tinyBatch([2, 1])));
    expect(calls.map((call) => call.operator)).toContain(operator);
    const session = await InferenceSession.create(exportGraph(model, SPEC, "0"));
    for (const lengths of [[3], [0], [2, 0, 0, 5, 1], [0, 0], Array.from({ length: 40 }, (_, i) => i % 5)]) {
      const batch = tinyBatch(lengths);
      const [actual, wanted] = [await logitsOf(session, batch), expected(model, batch)];
      expect(actual.length).toBe(wanted.length);
      const worst = wanted.reduce((max, z, i) => Math.max(max, Math.abs(actual[i]! - z) / Math.max(1, Math.abs(z))), 0);
      expect(worst, `${lengths}`).toBeLessThan(1e-5);
    }
  });

  it("sums a history of 200,000 events to the very bits", async () => {
    const model = modelOf(CASES["lapidary::segment_sum"]);
    const session = await InferenceSession.create(exportGraph(model, SPEC, "0"));
    const batch = tinyBatch([3, 200_000, 0]);
    expect(await logitsOf(session, batch)).toEqual(expected(model, batch));
  });
});
