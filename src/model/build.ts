import type { ModelConfig } from "../config/types.ts";
import type { FeatureSpec } from "../features/spec.ts";
import { constantOutputs } from "../metrics/outcomes/index.ts";
import type { AmountSummary, LabelSummary } from "../metrics/outcomes/label-summary.ts";
import type { Initializer, Linear } from "../nn/index.ts";
import { fromArray, noGrad, type Tensor } from "../torch/index.ts";
import { BaseRate } from "./baselines/base-rate.ts";
import { Logistic } from "./baselines/logistic.ts";
import {
  initDin,
  initHstu,
  initMmoe,
  initPle,
  initPrevious,
  initSasrec,
  initStar,
  type RankerFamily,
} from "./baselines/rankers.ts";
import { WukongRanker } from "./baselines/wukong-ranker.ts";
import { Foundation } from "./foundation/foundation.ts";
import type { Model } from "./model.ts";
import { sizesOf } from "./sizes.ts";
import { Vertical } from "./vertical.ts";

/** What a model is made from besides its configuration. */
export interface ModelInputs {
  readonly spec: FeatureSpec;
  /** Share of labels above 0 of each objective in the training window. */
  readonly rates: readonly number[];
  /** Of the labels that are amounts or counts, by objective. @default none are */
  readonly amounts?: Readonly<Record<string, AmountSummary>>;
  readonly initial: Initializer;
}

/** The part of a model's configuration that decides its parameters. */
export type ModelShape = Pick<ModelConfig, "kind" | "size" | "dim" | "layers" | "history" | "architecture">;

/** A model, and the maps whose outputs are its logits, one after the other. */
interface Built {
  readonly model: Model;
  readonly outputs: readonly (Linear | undefined)[];
}

type Builder = (config: ModelShape, inputs: ModelInputs) => Built;

const ranker =
  (init: RankerFamily): Builder =>
  (config, { spec, initial }) => {
    const model = init(spec, { sizes: sizesOf(config), history: config.history }, initial);
    return { model, outputs: model.heads.outputs };
  };

/** How each kind of model is made: every kind has a row, leaving one out does not compile. */
const BUILDERS: Readonly<Record<ModelConfig["kind"], Builder>> = {
  baseRate: (_, inputs) => ({ model: BaseRate.of(constantsOf(inputs)), outputs: [] }),
  logistic: (_, { spec, initial }) => {
    const model = Logistic.init(spec, initial);
    return { model, outputs: [model.numbers] };
  },
  previous: ranker(initPrevious),
  din: ranker(initDin),
  sasrec: ranker(initSasrec),
  hstu: ranker(initHstu),
  wukong: (config, { spec, initial }) => {
    const model = WukongRanker.init(spec, sizesOf(config), initial);
    return { model, outputs: [model.head.layers.at(-1)] };
  },
  mmoe: ranker(initMmoe),
  ple: ranker(initPle),
  star: ranker(initStar),
  foundation: (config, { spec, initial }) => {
    const { architecture, history } = config;
    const model = Foundation.init(spec, { sizes: sizesOf(config), architecture, history }, initial);
    return { model, outputs: model.heads.outputs };
  },
  vertical: (config, { spec, initial }) => {
    const model = Vertical.init(spec, sizesOf(config), initial);
    return { model, outputs: [model.output] };
  },
};

/**
 * Makes a model with freshly drawn parameters. Its output biases are the outputs of a constant predictor, which of a yes/no
 * objective are the log odds of its rate, so that training begins where the base rate ends instead of spending its first updates on rare objectives' biases.
 *
 * @see arXiv 1708.02002 §3.3
 */
export function buildModel(config: ModelShape, inputs: ModelInputs): Model {
  const { model, outputs } = BUILDERS[config.kind](config, inputs);
  const biases = outputs.flatMap((output) => output?.bias ?? []);
  if (biases.length > 0) startAt(constantsOf(inputs), biases);
  return model;
}

/** @shape → [W] */
function constantsOf({ spec, rates, amounts = {} }: ModelInputs): readonly number[] {
  const labels = spec.objectives.map((name, t): LabelSummary => {
    const own = amounts[name];
    return { rate: rates[t] ?? 0.5, ...(own === undefined ? {} : { amounts: own }) };
  });
  return constantOutputs(spec, labels);
}

/** @shape biases [W_i], together W */
function startAt(constants: readonly number[], biases: readonly Tensor[]): void {
  let start = 0;
  noGrad(() => {
    for (const bias of biases) {
      const own = Float64Array.from(constants.slice(start, start + bias.numel));
      bias.copy_(fromArray(own, [own.length]));
      start += own.length;
    }
  });
}
