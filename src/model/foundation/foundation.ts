import type { ArchitectureConfig } from "../../config/model/architecture.ts";
import { outputWidths } from "../../features/objectives.ts";
import type { Batch, EventColumns, FeatureSpec } from "../../features/spec.ts";
import type { Initializer } from "../../nn/index.ts";
import type { JaggedTensor } from "../../ops/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import { biasesOf, initTaskHeads, type TaskHeads } from "../heads/task-heads.ts";
import { Embeddings } from "../inputs/embeddings.ts";
import { numSurfacesOf, SurfaceGate, SurfaceRoute } from "../inputs/surfaces.ts";
import { CrossArch, clsTokens, SUMMARY_TOKENS, type Summaries } from "../interaction/cross-arch.ts";
import { numPairs, pairProducts } from "../interaction/pair-products.ts";
import { LinearCompressionBlock } from "../interaction/wukong.ts";
import type { Representation, Student, Teacher } from "../model.ts";
import { CandidateAttention } from "../sequence/candidate-attention.ts";
import { VectorAttention } from "../sequence/vector-attention.ts";
import type { Sizes } from "../sizes.ts";
import { FoundationLayer, type FoundationState } from "./foundation-layer.ts";
import { historyStreams, newestEvents, numStreams } from "./streams.ts";

/** What decides a foundation model's parameters. */
export interface FoundationConfig {
  readonly sizes: Sizes;
  readonly architecture: ArchitectureConfig;
  /** Most events of a history. */
  readonly history: number;
}

interface Parts {
  readonly embeddings: Embeddings;
  readonly gate: SurfaceGate | null;
  readonly cls: readonly (LinearCompressionBlock | null)[];
  readonly layers: readonly FoundationLayer[];
  /** Of the last layer's outputs, and with a pyramid of every level's; of the layers' inputs where there are none. */
  readonly taps: readonly CrossArch[];
  readonly candidate: CandidateAttention | null;
  /** One per vector of the spec, or none. */
  readonly vectors: readonly VectorAttention[];
  readonly heads: TaskHeads;
}

/**
 * The foundation model: Wukong over the features and attention over the whole history, interleaved as InterFormer does,
 * with parts that surfaces have of their own, and a candidate that looks at the history itself:
 *
 * - `X_0 = gate_surface(embeddings)`, `S_0 = [CLS(X_0) ∥ events]`, layers of {@link FoundationLayer}, or none
 * - `z = heads([X_0 ∥ X_sum ∥ S_sum ∥ candidate ∥ attention(candidate, events) ∥ numbers])`, the outputs of each objective:
 *   what single features say alone need not pass the layers, nor the dense inputs the one token that an MLP makes of them.
 *   The candidate attends by its ids and by its vectors. With `pairs` the heads also read {@link pairProducts} of X_0.
 *
 * @see arXiv 2411.09852 §4, arXiv 2403.02545 §3; engineering.fb.com, 10 Nov 2025
 */
export class Foundation implements Student, Teacher {
  readonly embeddings: Embeddings;
  readonly gate: SurfaceGate | null;
  readonly cls: readonly (LinearCompressionBlock | null)[];
  readonly layers: readonly FoundationLayer[];
  readonly taps: readonly CrossArch[];
  readonly candidate: CandidateAttention | null;
  readonly vectors: readonly VectorAttention[];
  readonly heads: TaskHeads;
  readonly architecture: ArchitectureConfig;

  constructor(parts: Parts, architecture: ArchitectureConfig) {
    this.embeddings = parts.embeddings;
    this.gate = parts.gate;
    this.cls = parts.cls;
    this.layers = parts.layers;
    this.taps = parts.taps;
    this.candidate = parts.candidate;
    this.vectors = parts.vectors;
    this.heads = parts.heads;
    this.architecture = architecture;
  }

  static init(spec: FeatureSpec, config: FoundationConfig, initial: Initializer): Foundation {
    const { sizes, architecture } = config;
    const { dim, numHeads } = sizes;
    const numHistories = numStreams(architecture);
    const embeddings = Embeddings.init(spec, dim, initial);
    const specific = numSurfacesOf(spec) > 1 && architecture.domains !== "shared";
    const gate = specific ? SurfaceGate.init(dim, initial) : null;
    const cls = Array.from({ length: numHistories }, () =>
      clsTokens(architecture) === 0
        ? null
        : LinearCompressionBlock.init(embeddings.tokens, SUMMARY_TOKENS.cls, initial),
    );
    const layers = initLayers(embeddings, config, initial);
    const outputs = layers.length === 0 ? [embeddings] : layers;
    const tapped = architecture.pyramid > 1 ? outputs : outputs.slice(-1);
    const taps = tapped.map(({ tokens: tokensIn }) =>
      CrossArch.init({ dim, numHeads, tokensIn, numHistories }, architecture, initial),
    );
    const candidate = seesHistory(spec, architecture)
      ? CandidateAttention.init(
          { dim, attributes: Embeddings.numCommon(spec), eventOnly: Embeddings.numEventOnly(spec) },
          initial,
        )
      : null;
    const vectors = architecture.vectorAttention ? VectorAttention.ofSpec(spec, dim, initial) : [];
    const read = { embeddings, gate, cls, layers, taps, candidate, vectors };
    return new Foundation({ ...read, heads: initHeads(read, config, initial) }, architecture);
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

  /** The embedding is the mean of the last layer's sequence summary: `mean(S_sum)` over its tokens. */
  represent(batch: Batch): Representation {
    const { backbone, summaries } = this.read(batch);
    return { logits: this.outputs(backbone, batch), embedding: summaries.histories.mean([1]) };
  }

  outputBiases(): readonly Tensor[] {
    return biasesOf(this.heads.outputs);
  }

  /** What the heads read, and the last layer's summaries. */
  private read(batch: Batch): { readonly backbone: Tensor; readonly summaries: Summaries } {
    const { features, candidate, common, numbers } = this.embeddings.apply(batch);
    const { spec } = this.embeddings;
    const route = SurfaceRoute.of(batch, numSurfacesOf(spec));
    const x = this.gate?.apply(features, surfaceToken(spec, features)) ?? features;
    const streams = historyStreams(batch.history, this.architecture);
    const tapped = this.run({ x, histories: this.begin(x, streams) }, route);
    const summaries = tapped.flatMap(({ features: xSum, histories: sSum }) => [xSum.flatten(1), sSum.flatten(1)]);
    const attendedEvents = streams.flatMap((events) => this.attend(batch, common, events));
    const pairs = this.architecture.pairs ? [pairProducts(x)] : [];
    const backbone = cat([x.flatten(1), ...summaries, candidate, ...attendedEvents, numbers, ...pairs], 1);
    return { backbone, summaries: tapped.at(-1) as Summaries };
  }

  /** What the candidates see of one history, by their ids and by each vector. @shape → each [B, its width] */
  private attend(batch: Batch, candidate: readonly Tensor[], events: EventColumns): readonly Tensor[] {
    if (this.candidate === null && this.vectors.length === 0) return [];
    const compared = this.embeddings.compared(events);
    const byId = this.candidate?.apply({ candidate, ...compared });
    if (this.vectors.length === 0) return byId === undefined ? [] : [byId];
    const content = { candidate: batch.content, events: events.content };
    const outcomes = this.embeddings.outcomes(events);
    const byVector = this.vectors.map((vector) =>
      vector.apply({ ...content, eventOnly: compared.eventOnly, outcomes, bounds: events.offsets }),
    );
    return byId === undefined ? byVector : [byId, ...byVector];
  }

  /** The summaries of every state that is tapped: the last ones. */
  private run(first: FoundationState, route: SurfaceRoute): readonly Summaries[] {
    const states = [first];
    for (const layer of this.layers) {
      const earlier = states.map(({ x }) => x);
      states.push(layer.apply(states.at(-1) as FoundationState, route, earlier));
    }
    const last = states.slice(-this.taps.length);
    return last.map(({ x, histories }, t) => (this.taps[t] as CrossArch).apply(x, histories));
  }

  /** `[CLS(X) ∥ events]` of the newest events, CLS tokens of each history's own. */
  private begin(x: Tensor, streams: readonly EventColumns[]): JaggedTensor[] {
    const { deepHistory } = this.architecture;
    return streams.map((events, h) => {
      const newest = this.embeddings.events(deepHistory === null ? events : newestEvents(events, deepHistory));
      return this.cls[h] ? newest.prepend(this.cls[h].apply(x)) : newest;
    });
  }
}

/** Whether the candidate attends to the history: where they can be compared, and something came of the events. */
function seesHistory(spec: FeatureSpec, { candidateAttention }: ArchitectureConfig): boolean {
  return candidateAttention && Embeddings.numCommon(spec) > 0 && Embeddings.numEventOnly(spec) > 0;
}

/** @shape features [B, n, D] → [B, D] */
function surfaceToken(spec: FeatureSpec, features: Tensor): Tensor {
  return features.select(
    1,
    spec.contextual.findIndex(({ name }) => name === "surface"),
  );
}

/** Tokens that each block of each layer makes; the last that is given holds for the layers after it. */
function tokensByLayer({ layers, tokens }: Sizes, architecture: ArchitectureConfig): readonly number[] {
  const counts = architecture.tokens ?? [tokens];
  return Array.from({ length: layers }, (_, layer) => counts[Math.min(layer, counts.length - 1)] ?? tokens);
}

/** The layers, each on the tokens of the one before. */
function initLayers(
  embeddings: Embeddings,
  { sizes, architecture, history }: FoundationConfig,
  initial: Initializer,
): readonly FoundationLayer[] {
  const numSurfaces = numSurfacesOf(embeddings.spec);
  const layers: FoundationLayer[] = [];
  for (const tokens of tokensByLayer(sizes, architecture)) {
    const tokensIn = (layers.at(-1) ?? embeddings).tokens;
    layers.push(FoundationLayer.init({ sizes, architecture, history, numSurfaces, tokensIn, tokens }, initial));
  }
  return layers;
}

/** Heads as wide as what {@link Foundation.backbone} puts together. */
function initHeads(
  { embeddings, taps, cls, candidate, vectors }: Omit<Parts, "heads">,
  { sizes: { hidden }, architecture }: FoundationConfig,
  initial: Initializer,
): TaskHeads {
  const { spec, dim } = embeddings;
  const tokens = taps.reduce((sum, tap) => sum + tap.tokens, embeddings.tokens + 1);
  const attended = vectors.reduce((sum, vector) => sum + vector.width, candidate?.width ?? 0);
  const pairs = architecture.pairs ? numPairs(embeddings.tokens) : 0;
  const width = tokens * dim + cls.length * attended + spec.numbers.length + pairs;
  const numSurfaces = numSurfacesOf(spec);
  const domains = numSurfaces > 1 ? architecture.domains : "shared";
  const { objectives } = architecture;
  const sizes = { in: width, hidden, outputs: outputWidths(spec), numSurfaces };
  return initTaskHeads(sizes, { domains, objectives }, initial);
}
