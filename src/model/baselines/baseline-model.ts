import type { Batch } from "../../features/spec.ts";
import type { JaggedTensor } from "../../ops/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import { biasesOf, type TaskHeads } from "../heads/task-heads.ts";
import type { Embeddings } from "../inputs/embeddings.ts";
import { numSurfacesOf, SurfaceRoute } from "../inputs/surfaces.ts";
import type { DcnNetwork } from "../interaction/dcn-network.ts";
import type { Representation, Student, Teacher } from "../model.ts";

/** What makes one vector of a history, for a candidate. */
export interface HistoryEncoder {
  /** @shape history.values [L, D], candidate [B, D], features (tokens, the contextual ones first) [B, n, D] → [B, D] */
  apply(history: JaggedTensor, candidate: Tensor, features: Tensor): Tensor;
}

/** What a {@link BaselineModel} is composed of. */
export interface BaselineParts {
  readonly embeddings: Embeddings;
  readonly encoder: HistoryEncoder;
  /** Null where the task heads alone cross the features. */
  readonly interaction: DcnNetwork | null;
  readonly heads: TaskHeads;
}

/**
 * The common form of the published ranking models that read a history: `x_0 = [tokens ∥ candidate ∥
 * encoder(history)]`, `z = heads([interaction(x_0, numbers) ∥ numbers])`. The heads, and the deep part of the interaction,
 * read the dense inputs beside the one token that an MLP makes of them.
 */
export class BaselineModel implements Student, Teacher {
  readonly embeddings: Embeddings;
  readonly encoder: HistoryEncoder;
  readonly interaction: DcnNetwork | null;
  readonly heads: TaskHeads;

  constructor(parts: BaselineParts) {
    this.embeddings = parts.embeddings;
    this.encoder = parts.encoder;
    this.interaction = parts.interaction;
    this.heads = parts.heads;
  }

  /** Width of x_0. */
  static width({ tokens, dim }: Embeddings): number {
    return (tokens + 2) * dim;
  }

  logits(batch: Batch): Tensor {
    return this.represent(batch).logits;
  }

  backbone(batch: Batch): Tensor {
    return this.read(batch).backbone;
  }

  outputs(backbone: Tensor, batch: Batch): Tensor {
    return this.heads.apply(backbone, SurfaceRoute.of(batch, numSurfacesOf(this.embeddings.spec)));
  }

  /** The embedding is what the encoder made of the history. */
  represent(batch: Batch): Representation {
    const { backbone, embedding } = this.read(batch);
    return { logits: this.outputs(backbone, batch), embedding };
  }

  outputBiases(): readonly Tensor[] {
    return biasesOf(this.heads.outputs);
  }

  private read(batch: Batch): { readonly backbone: Tensor; readonly embedding: Tensor } {
    const { features, candidate, numbers } = this.embeddings.apply(batch);
    const embedding = this.encoder.apply(this.embeddings.events(batch.history), candidate, features);
    const x0 = cat([features.flatten(1), candidate, embedding], 1);
    return { backbone: cat([this.interaction?.apply(x0, numbers) ?? x0, numbers], 1), embedding };
  }
}
