/** The families of {@link BaselineModel}: what each is composed of. */
import { outputWidths } from "../../features/objectives.ts";
import type { FeatureSpec } from "../../features/spec.ts";
import type { Initializer } from "../../nn/index.ts";
import { MmoeHeads } from "../heads/mmoe-heads.ts";
import { PleHeads } from "../heads/ple-heads.ts";
import { StarHeads } from "../heads/star-heads.ts";
import { JointHeads, type TaskHeads, type TaskHeadsConfig } from "../heads/task-heads.ts";
import { Embeddings } from "../inputs/embeddings.ts";
import { numSurfacesOf } from "../inputs/surfaces.ts";
import { crossRank } from "../interaction/dcn-layer.ts";
import { DcnNetwork } from "../interaction/dcn-network.ts";
import { DinPooling } from "../sequence/din-pooling.ts";
import type { Sizes } from "../sizes.ts";
import { BaselineModel, type HistoryEncoder } from "./baseline-model.ts";
import { HstuEncoder } from "./hstu-encoder.ts";
import { SasrecEncoder } from "./sasrec.ts";

/** What decides a baseline's parameters. */
export interface BaselineConfig {
  readonly sizes: Sizes;
  /** Most events of a history. */
  readonly history: number;
}

/** Makes a baseline of one family. */
export type BaselineFamily = (spec: FeatureSpec, config: BaselineConfig, initial: Initializer) => BaselineModel;

type Heads = (config: TaskHeadsConfig, sizes: Sizes, initial: Initializer) => TaskHeads;

/** Width of the deep layers. */
const deepWidth = ({ dim }: Sizes): number => 8 * dim;

function headsConfig(spec: FeatureSpec, { hidden }: Sizes, width: number): TaskHeadsConfig {
  return { in: width + spec.numbers.length, hidden, outputs: outputWidths(spec), numSurfaces: numSurfacesOf(spec) };
}

/** DLRM's arrangement, DCNv2's interaction, DIN's pooling, and the heads. */
const crossing =
  (heads: Heads): BaselineFamily =>
  (spec, { sizes }, initial) => {
    const { dim, hidden, layers } = sizes;
    const embeddings = Embeddings.init(spec, dim, initial);
    const encoder = DinPooling.init({ dim, hidden }, initial);
    const width = BaselineModel.width(embeddings);
    const network = { in: width, numbers: spec.numbers.length, rank: crossRank(dim), hidden: deepWidth(sizes), layers };
    const interaction = DcnNetwork.init(network, initial);
    const taskHeads = heads(headsConfig(spec, sizes, interaction.width), sizes, initial);
    return new BaselineModel({ embeddings, encoder, interaction, heads: taskHeads });
  };

/** A encoder of the history, and an MLP with the given hidden layers. */
const reading =
  (
    encoderOf: (spec: FeatureSpec, config: BaselineConfig, initial: Initializer) => HistoryEncoder,
    hiddenOf: (sizes: Sizes) => readonly number[] = ({ hidden }) => hidden,
  ): BaselineFamily =>
  (spec, config, initial) => {
    const { sizes } = config;
    const embeddings = Embeddings.init(spec, sizes.dim, initial);
    const encoder = encoderOf(spec, config, initial);
    const width = BaselineModel.width(embeddings);
    const heads = JointHeads.init({ ...headsConfig(spec, sizes, width), hidden: hiddenOf(sizes) }, initial);
    return new BaselineModel({ embeddings, encoder, interaction: null, heads });
  };

/**
 * The previous generation: DLRM's arrangement (tables, dense MLP, interaction, over arch) with low-rank DCNv2 as
 * interaction and DIN's pooling of the history, one linear map to the logits.
 *
 * @see arXiv 1906.00091, 2008.13535 §3.2–3.3, 1706.06978
 */
export const initPrevious: BaselineFamily = crossing((config, _, initial) =>
  JointHeads.init({ ...config, hidden: [] }, initial),
);

/** The previous generation with the task heads of {@link MmoeHeads}. */
export const initMmoe: BaselineFamily = crossing((config, _, initial) => MmoeHeads.init(config, initial));

/** The previous generation with the task heads of {@link PleHeads}, as many levels as layers. */
export const initPle: BaselineFamily = crossing((config, { layers: levels }, initial) =>
  PleHeads.init({ ...config, levels }, initial),
);

/** The previous generation with the task heads of {@link StarHeads}. */
export const initStar: BaselineFamily = crossing((config, _, initial) => StarHeads.init(config, initial));

/**
 * DIN: pooling of the history by its relevance to the candidate, then an MLP, which is what grows with the layers. ReLU
 * instead of Dice, softmax over the relevances, and no mini-batch aware regularization.
 *
 * @see arXiv 1706.06978 §4
 */
export const initDin: BaselineFamily = reading(
  (_, { sizes: { dim, hidden } }, initial) => DinPooling.init({ dim, hidden }, initial),
  (sizes) => Array.from({ length: sizes.layers }, () => deepWidth(sizes)),
);

/** {@link SasrecEncoder}, then an MLP. */
export const initSasrec: BaselineFamily = reading((_, { sizes }, initial) => SasrecEncoder.init(sizes, initial));

/** {@link HstuEncoder}, then an MLP. */
export const initHstu: BaselineFamily = reading((spec, config, initial) =>
  HstuEncoder.init({ ...config, numContextual: spec.contextual.length }, initial),
);
