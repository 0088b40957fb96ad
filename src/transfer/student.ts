import type { TransferConfig, TransferTechnique } from "../config/model/transfer.ts";
import { type Objective, type ObjectiveSpec, objectivesOf, outputWidth } from "../features/objectives.ts";
import type { Batch, FeatureSpec } from "../features/spec.ts";
import { blankBatch, type ModelInputs, type Student, startAtConstants, toDevice } from "../model/index.ts";
import { Linear, Mlp } from "../nn/index.ts";
import { cat, noGrad, Scope, type Tensor } from "../torch/index.ts";
import { distillationLoss, type LossScope, labelLoss, labelsOf, maskedLoss, type Supervision } from "../train/index.ts";

/** What a technique uses; a technique has a row, leaving one out does not compile. */
interface Parts {
  /** The teacher's prediction is learned on the serving head, beside the labels. */
  readonly shared: boolean;
  /** The teacher's prediction is learned on a head of its own. */
  readonly auxiliary: boolean;
  /** A student adapter, and a head that learns from it. */
  readonly adapter: boolean;
  /** The user's past embeddings are an input. */
  readonly representations: boolean;
}

const NOTHING: Parts = { shared: false, auxiliary: false, adapter: false, representations: false };

/** What each technique uses. */
export const TECHNIQUE_PARTS: Readonly<Record<TransferTechnique, Parts>> = {
  none: NOTHING,
  distill: { ...NOTHING, shared: true },
  auxiliary: { ...NOTHING, auxiliary: true },
  adapter: { ...NOTHING, auxiliary: true, adapter: true },
  representations: { ...NOTHING, representations: true },
  full: { shared: false, auxiliary: true, adapter: true, representations: true },
};

/** Width of the student adapter's hidden layer. */
const ADAPTER_WIDTH = 16;

/** `x` with its gradient scaled: identity forward, `∂/∂x = β` backward. @shape any */
export function scaleGradient(x: Tensor, factor: number): Tensor {
  const constant = x.detach();
  // Not βx + (1 − β)x: that rounds, and the serving head must not feel the heads beside it.
  return constant.add(x.sub(constant).mul(factor));
}

/** The teacher's outputs, corrected by fresh labels: `ẑ_t = MLP_t(z_t)`, one map per objective. @see arXiv 2502.17494 eq. 6 */
export class StudentAdapter {
  readonly maps: readonly Mlp[];
  readonly objectives: readonly Objective[];

  constructor(maps: readonly Mlp[], objectives: readonly Objective[]) {
    this.maps = maps;
    this.objectives = objectives;
  }

  static init(spec: ObjectiveSpec, { initial }: Pick<ModelInputs, "initial">): StudentAdapter {
    const objectives = objectivesOf(spec);
    const maps = objectives.map(({ from, to }) =>
      Mlp.init({ in: to - from, hidden: [ADAPTER_WIDTH], out: to - from }, initial),
    );
    return new StudentAdapter(maps, objectives);
  }

  /** @shape outputs [B, W] → [B, W] */
  apply(outputs: Tensor): Tensor {
    const corrected = this.objectives.map(
      ({ from, to }, t) => this.maps[t]?.apply(outputs.slice(1, from, to)) ?? outputs,
    );
    return cat(corrected, 1);
  }
}

/** What is trained beside a student, and never served. A part that the technique does not use is null. */
interface AuxiliaryHeads {
  readonly auxiliary: Linear | null;
  readonly adapter: StudentAdapter | null;
  readonly adapted: Linear | null;
}

/**
 * How a student learns from its teacher's logits `z_F`, `h` the log loss over what is known, `x` the backbone; of an
 * amount or a count `h` is the cross entropy of the teacher's distribution, α a factor of its probability or rate:
 *
 * - on one head, plain distillation: `h(z_S, y) + h(z_S, σ(z_F))`
 * - else `h(z_S, y) + w h(z_D, min(1, α σ(z_F)))`, where `z_D = W_D gradScale_β(x)`
 * - with an adapter also `h(z_A, y) + h(z_D2, SG(σ(z_A)))`, where `z_A = MLP(z_F)` and `z_D2 = W_D2 gradScale_β(x)`
 *
 * The adapter's own step comes after it was relayed, not before as in algorithm 1: what it relays of an example has not
 * seen that example's labels.
 *
 * @see arXiv 2502.17494 eq. 2–7, algorithm 1
 */
export function distillationOf(model: Student, config: TransferConfig, inputs: ModelInputs): Supervision {
  const parts = TECHNIQUE_PARTS[config.technique];
  const extra = initAuxiliaryHeads(model, parts, inputs);
  const loss = (batch: Batch, over: LossScope): Tensor => {
    const backbone = model.backbone(batch);
    const served = model.outputs(backbone, batch);
    const total = [labelLoss(served, batch, over)];
    const taught = teacherOf(batch, served);
    if (taught === null) return total[0] as Tensor;
    const { logits, mask } = taught;
    if (parts.shared) total.push(distillationLoss(served, { teacher: logits, mask }, over));
    const scaled = scaleGradient(backbone, config.gradientScale);
    if (extra.auxiliary !== null) {
      const teacherOutputs = { teacher: logits, mask, labelScale: config.labelScale };
      total.push(distillationLoss(extra.auxiliary.apply(scaled), teacherOutputs, over).mul(config.lossWeight));
    }
    if (extra.adapter !== null && extra.adapted !== null) {
      const adapted = extra.adapter.apply(logits);
      const labels = labelsOf(batch, served, over);
      total.push(maskedLoss(adapted, { labels, mask: both(mask, batch.labelMask) }, over));
      total.push(distillationLoss(extra.adapted.apply(scaled), { teacher: adapted.detach(), mask }, over));
    }
    return total.reduce((sum, term) => sum.add(term));
  };
  return { loss, extra: { transfer: extra } };
}

function initAuxiliaryHeads(model: Student, parts: Parts, inputs: ModelInputs): AuxiliaryHeads {
  const { initial, spec } = inputs;
  const width = parts.auxiliary ? backboneWidth(model, spec) : 0;
  const head = (): Linear => {
    const linear = Linear.init({ in: width, out: outputWidth(spec) }, initial);
    // They begin where the serving head begins.
    startAtConstants(linear.bias === null ? [] : [linear.bias], inputs);
    return linear;
  };
  return {
    auxiliary: parts.auxiliary ? head() : null,
    adapter: parts.adapter ? StudentAdapter.init(spec, { initial }) : null,
    adapted: parts.adapter ? head() : null,
  };
}

function backboneWidth(model: Student, spec: FeatureSpec): number {
  using _scope = new Scope();
  return noGrad(() => model.backbone(blankBatch({ spec, historyLengths: [1] }))).shape[1] ?? 0;
}

/** The teacher's outputs where the model is; null for a batch without knowledge. */
function teacherOf(
  { knowledge }: Batch,
  like: Tensor,
): { readonly logits: Tensor; readonly mask: Float32Array } | null {
  if (knowledge === undefined) return null;
  return { logits: toDevice(knowledge.logits, like.shape, like), mask: knowledge.mask };
}

function both(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value * b[i]!);
}
