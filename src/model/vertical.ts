import { contentOf } from "../features/content.ts";
import { outputWidth } from "../features/objectives.ts";
import type { Batch, FeatureSpec } from "../features/spec.ts";
import { type Initializer, Linear } from "../nn/index.ts";
import { JaggedTensor, meanSegments } from "../ops/index.ts";
import { cat, type Tensor } from "../torch/index.ts";
import { biasesOf } from "./heads/task-heads.ts";
import { contentFields, initVectorMaps, numContent, toDevice, type VectorMaps } from "./inputs/content-maps.ts";
import { columnsOf, embedColumns, type Tables } from "./inputs/embed-columns.ts";
import { eventTokens, initEventContent, initTables } from "./inputs/embeddings.ts";
import { pastOf } from "./inputs/past.ts";
import type { Representation, SplitModel, Student, Teacher } from "./model.ts";
import type { Sizes } from "./sizes.ts";

/**
 * The small model that serves: tables, the mean of the history, an MLP, the outputs of each objective. Its first layer is a
 * sum of two maps, so that the user's part is computed once however many candidates are scored:
 *
 * - `u = W_u [contextual ∥ mean_l W_e e_l ∥ past]`, `past` the mean of the user's embeddings where the spec has them
 * - `z = W_o relu(… relu(W_1 relu(u + W_c [candidate ∥ lists ∥ vectors ∥ numbers])))`
 */
export class Vertical implements SplitModel, Student, Teacher {
  readonly tables: Tables;
  readonly event: Linear;
  readonly vectors: VectorMaps;
  readonly eventContent: Linear | null;
  readonly userMap: Linear;
  readonly candidateMap: Linear;
  readonly deep: readonly Linear[];
  readonly output: Linear;
  readonly spec: FeatureSpec;

  constructor(
    spec: FeatureSpec,
    parts: {
      tables: Tables;
      event: Linear;
      vectors: VectorMaps;
      eventContent: Linear | null;
      userMap: Linear;
      candidateMap: Linear;
      deep: readonly Linear[];
      output: Linear;
    },
  ) {
    this.spec = spec;
    this.tables = parts.tables;
    this.event = parts.event;
    this.vectors = parts.vectors;
    this.eventContent = parts.eventContent;
    this.userMap = parts.userMap;
    this.candidateMap = parts.candidateMap;
    this.deep = parts.deep;
    this.output = parts.output;
  }

  static init(spec: FeatureSpec, { dim, layers, hidden }: Sizes, initial: Initializer): Vertical {
    const { contextual, candidate, history, numbers, pastEmbeddings = 0 } = spec;
    const [width = dim] = hidden;
    const candidateInputs = (candidate.length + numContent(spec)) * dim + numbers.length;
    const userInputs = (contextual.length + 1) * dim + pastEmbeddings;
    return new Vertical(spec, {
      tables: initTables([...contextual, ...candidate, ...contentOf(spec).lists, ...history], dim, initial),
      event: Linear.init({ in: history.length * dim, out: dim }, initial),
      userMap: Linear.init({ in: userInputs, out: width }, initial),
      candidateMap: Linear.init({ in: candidateInputs, out: width, bias: false }, initial),
      deep: Array.from({ length: layers - 1 }, () => Linear.init({ in: width, out: width }, initial)),
      output: Linear.init({ in: width, out: outputWidth(spec) }, initial),
      vectors: initVectorMaps(spec, dim, initial),
      eventContent: initEventContent(spec, dim, initial),
    });
  }

  /** @shape contextual [R], history offsets [R+1] → [R, H] */
  user(batch: Batch): Tensor {
    const { spec, tables } = this;
    const { offsets } = batch.history;
    const history = meanSegments(JaggedTensor.of(eventTokens(this, batch.history), offsets));
    const known = [...embedColumns(tables, columnsOf(spec.contextual, batch.contextual)), history];
    const { pastEmbeddings = 0 } = spec;
    if (pastEmbeddings === 0) return this.userMap.apply(cat(known, 1));
    const past = pastOf(batch, [offsets.length - 1, pastEmbeddings], history);
    return this.userMap.apply(cat([...known, past], 1));
  }

  /** What the task heads read of a user and the candidates. @shape user [B, H] → [B, H] */
  private hidden(user: Tensor, batch: Batch): Tensor {
    const { spec, tables } = this;
    const ids = embedColumns(tables, columnsOf(spec.candidate, batch.candidate));
    const candidate = [...ids, ...contentFields(this, batch.content)];
    const numbers = toDevice(batch.numbers, [batch.size, spec.numbers.length], user);
    const first = user.add(this.candidateMap.apply(cat([...candidate, numbers], 1))).relu();
    return this.deep.reduce((h, layer) => layer.apply(h, "relu"), first);
  }

  /** @shape user [B, H], the row of {@link Vertical.user} of each candidate → [B, W] */
  score(user: Tensor, batch: Batch): Tensor {
    return this.outputs(this.hidden(user, batch));
  }

  logits(batch: Batch): Tensor {
    return this.score(this.user(batch), batch);
  }

  backbone(batch: Batch): Tensor {
    return this.hidden(this.user(batch), batch);
  }

  outputs(backbone: Tensor): Tensor {
    return this.output.apply(backbone);
  }

  /** The embedding is the user's part of the first layer. */
  represent(batch: Batch): Representation {
    const user = this.user(batch);
    return { logits: this.score(user, batch), embedding: user };
  }

  outputBiases(): readonly Tensor[] {
    return biasesOf([this.output]);
  }
}
