import { LapidaryError } from "../base/errors.ts";
import {
  type DialsConfig,
  isOwnKind,
  type KindConfig,
  type ModelKind,
  type OwnKindConfig,
} from "../config/model/model.ts";
import type { CategoryFeature, FeatureSpec } from "../features/spec.ts";
import { constantOutputs } from "../metrics/outcomes/index.ts";
import type { AmountSummary, LabelSummary } from "../metrics/outcomes/label-summary.ts";
import { Initializer, keepRates } from "../nn/index.ts";
import { fromArray, noGrad, RandomGenerator, type Tensor } from "../torch/index.ts";
import { BaseRate } from "./baselines/base-rate.ts";
import { CountersModel } from "./baselines/counters.ts";
import {
  type BaselineFamily,
  initDin,
  initHstu,
  initMmoe,
  initPle,
  initPrevious,
  initSasrec,
  initStar,
} from "./baselines/families.ts";
import { Logistic } from "./baselines/logistic.ts";
import { WukongModel } from "./baselines/wukong-model.ts";
import { Foundation } from "./foundation/foundation.ts";
import type { Model } from "./model.ts";
import { initOwn, type NamedModule } from "./own/init-own.ts";
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
  /** Only of a model of the project's own: what makes it. */
  readonly own?: NamedModule;
}

/** The part of a model's configuration that decides its parameters. */
export type ModelShape = ModelDials & KindConfig;
type ModelDials = Pick<DialsConfig, "size" | "dim" | "layers" | "history">;

type Builder = (config: ModelDials, inputs: ModelInputs) => Model;

const baseline =
  (init: BaselineFamily): Builder =>
  (config, { spec, initial }) =>
    init(spec, { sizes: sizesOf(config), history: config.history }, initial);

/** How a model is made of each kind that its dials say all of: every one has a row, leaving one out does not compile. */
const BUILDERS: Readonly<Record<Exclude<ModelKind, "foundation">, Builder>> = {
  baseRate: (_, inputs) => BaseRate.of(constantsOf(inputs)),
  logistic: (_, { spec, initial }) => Logistic.init(spec, initial),
  counters: (config, { spec, initial }) => CountersModel.init(spec, sizesOf(config), initial),
  previous: baseline(initPrevious),
  din: baseline(initDin),
  sasrec: baseline(initSasrec),
  hstu: baseline(initHstu),
  wukong: (config, { spec, initial }) => WukongModel.init(spec, sizesOf(config), initial),
  mmoe: baseline(initMmoe),
  ple: baseline(initPle),
  star: baseline(initStar),
  vertical: (config, { spec, initial }) => Vertical.init(spec, sizesOf(config), initial),
};

/**
 * Makes a model with freshly drawn parameters. Its output biases are the outputs of a constant predictor, which of a yes/no
 * objective are the log odds of its rate, so that training begins where the base rate ends instead of spending its first updates
 * on rare objectives' biases.
 *
 * @see arXiv 1708.02002 §3.3
 */
export function buildModel(config: ModelShape, inputs: ModelInputs): Model {
  const model = freshModel(config, inputs);
  startAtConstants(model.outputBiases?.() ?? [], inputs);
  if (!isOwnKind(config)) keepRates(model, baseOf(config, inputs.spec));
  return model;
}

/** The model of as many layers whose learning rates hold for all widths: of the size that rates were searched for. */
function baseOf(config: ModelShape, spec: FeatureSpec): Model {
  const shape = { ...config, size: BASE_SIZE, dim: null, layers: sizesOf(config).layers } as const;
  const initial = new Initializer(RandomGenerator.seeded(0));
  const rates = spec.objectives.map(() => 0.5);
  return freshModel(shape, { spec: withFewRows(spec), rates, initial });
}

const BASE_SIZE = "small";

/** More codes than any surface or context has: what a category is, is told by its number of codes. */
const FEW = 1000;

/** The same features with short tables: none of a base model's rows is looked up. */
function withFewRows(spec: FeatureSpec): FeatureSpec {
  const short = (features: readonly CategoryFeature[]): CategoryFeature[] =>
    features.map((feature) => ({ ...feature, cardinality: Math.min(feature.cardinality, FEW) }));
  const { contextual, candidate, history, content } = spec;
  const all = { contextual: short(contextual), candidate: short(candidate), history: short(history) };
  return { ...spec, ...all, ...(content && { content: { ...content, lists: short(content.lists) } }) };
}

function freshModel(config: ModelShape, inputs: ModelInputs): Model {
  if (isOwnKind(config)) return ownModel(config, inputs);
  if (config.kind !== "foundation") return BUILDERS[config.kind](config, inputs);
  const { architecture, history } = config;
  return Foundation.init(inputs.spec, { sizes: sizesOf(config), architecture, history }, inputs.initial);
}

function ownModel(config: ModelDials & OwnKindConfig, { spec, initial, own }: ModelInputs): Model {
  const { history, options } = config;
  if (own !== undefined) return initOwn(own, spec, { sizes: sizesOf(config), history, options, initial });
  throw new LapidaryError({
    code: "INTERNAL",
    where: config.kind,
    expected: "a module that was loaded",
    got: "none",
    hint: "Report this.",
  });
}

/** Sets the biases of outputs to those of a constant predictor. @shape biases [W_i], together W, or none */
export function startAtConstants(biases: readonly Tensor[], inputs: ModelInputs): void {
  if (biases.length > 0) startAt(constantsOf(inputs), biases);
}

/** @shape → [W] */
function constantsOf({ spec, rates, amounts = {} }: ModelInputs): readonly number[] {
  const labels = spec.objectives.map((name, t): LabelSummary => {
    const amount = amounts[name];
    return { rate: rates[t] ?? 0.5, ...(amount === undefined ? {} : { amounts: amount }) };
  });
  return constantOutputs(spec, labels);
}

/** @shape biases [W_i], together W */
function startAt(constants: readonly number[], biases: readonly Tensor[]): void {
  let start = 0;
  noGrad(() => {
    for (const bias of biases) {
      const values = Float64Array.from(constants.slice(start, start + bias.numel));
      bias.copy_(fromArray(values, [values.length]));
      start += values.length;
    }
  });
}
