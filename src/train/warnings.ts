/** What a training must say of itself: before it begins, of its inputs, and at its end, of what became of it. */

import { LapidaryError } from "../base/errors.ts";
import { NEGATIVES_DEFAULTS } from "../config/events/negatives-schema.ts";
import type { NegativesConfig } from "../config/types.ts";
import type { ChangingAttribute, LabelCounts } from "../data/index.ts";
import { constantLogLoss } from "../metrics/predictions.ts";

/** What the user should know of a training that nothing stopped. */
export interface TrainingWarning {
  readonly code:
    | "IDS_NOT_ADMITTED"
    | "LABELS_UNKNOWN"
    | "LABELS_ONE_CLASS"
    | "NEGATIVES_ATTRIBUTE"
    | "NEGATIVES_DRAWN"
    | "NEGATIVES_UNUSED"
    | "WORSE_THAN_BASE_RATE";
  /** One sentence, without a full stop. */
  readonly text: string;
}

/** Ids of one table: how many the log has, and how many of them have a row of their own. */
export interface TableIds {
  readonly table: string;
  readonly ids: number;
  readonly admitted: number;
}

/** Labels of one objective, and the field that they are from. */
export interface ObjectiveLabels extends LabelCounts {
  readonly objective: string;
  readonly from: string;
}

/**
 * Warnings of labels that never vary; of the whole training window that is an error: a model would answer the same for
 * everyone, and every measure of it would look perfect.
 *
 * @throws {LapidaryError} TRAIN_ONE_CLASS
 */
export function oneClassWarnings(
  labels: readonly ObjectiveLabels[],
  { where, isWhole }: { readonly where: string; readonly isWhole: boolean },
): readonly TrainingWarning[] {
  const constant = labels.filter(isConstant);
  const [first] = constant;
  if (first !== undefined && isWhole) throw oneClass(first, where);
  return constant.map(({ objective, positive, amounts }) => {
    const only = amounts?.least ?? (positive === 0 ? 0 : 1);
    return { code: "LABELS_ONE_CLASS", text: `all labels of ${objective} here are ${only}` };
  });
}

function isConstant({ known, positive, amounts }: LabelCounts): boolean {
  if (known === 0) return false;
  return amounts === undefined ? positive === 0 || positive === known : amounts.least === amounts.most;
}

function oneClass(labels: ObjectiveLabels, where: string): LapidaryError {
  const { objective, from, known, positive, amounts } = labels;
  if (amounts !== undefined) return oneAmount(labels, where, amounts.least);
  const hint =
    positive === 0
      ? `Check the mapping: \`objectives.${objective}\` reads the field ${from}, where 1 or true is a positive. Or train on more events, or without it (\`objectives\` of the model).`
      : `A log of positives only tells a model nothing: declare the negatives, as rows whose field ${from} is 0 or false, or have some drawn: \`negatives: { perPositive: ${NEGATIVES_DEFAULTS.perPositive}, from: "${NEGATIVES_DEFAULTS.from}" }\`.`;
  return new LapidaryError({
    code: "TRAIN_ONE_CLASS",
    where: `${where}, ${objective}`,
    expected: "positive and negative labels in the training window",
    got: `${known} labels, all ${positive === 0 ? "negative" : "positive"}`,
    hint,
  });
}

function oneAmount({ objective, from, known }: ObjectiveLabels, where: string, only: number): LapidaryError {
  return new LapidaryError({
    code: "TRAIN_ONE_CLASS",
    where: `${where}, ${objective}`,
    expected: "labels that vary in the training window",
    got: `${known} labels, all ${only}`,
    hint: `Check the mapping: \`objectives.${objective}\` reads the field ${from}. Or train on more events, or without it (\`objectives\` of the model).`,
  });
}

/** What the probabilities of objectives whose negatives are drawn refer to. */
export function negativesBase(
  objectives: readonly string[],
  { perPositive }: Pick<NegativesConfig, "perPositive">,
): string {
  const names = `${objectives.join(", ")} ${objectives.length === 1 ? "has" : "have"}`;
  const candidates = `${perPositive} ${perPositive === 1 ? "candidate" : "candidates"}`;
  return (
    `${names} no negatives in the log: a probability is that of the positive among one positive and ${candidates} drawn ` +
    "uniformly from the items seen by then; whether it is calibrated for items that are shown is not known"
  );
}

/** What is to be said where a project has negatives drawn: of some objectives, beside attributes that tell them. */
export function negativesWarnings(
  { drawn, changing }: { readonly drawn: readonly string[]; readonly changing: readonly ChangingAttribute[] },
  negatives: Pick<NegativesConfig, "perPositive">,
): readonly TrainingWarning[] {
  if (drawn.length === 0) {
    return [{ code: "NEGATIVES_UNUSED", text: "every objective has negatives of its own: `negatives` draws none" }];
  }
  const telling = changing.map(({ name, share }): TrainingWarning => {
    const often = `${name} is another one in ${Math.round(100 * share)}% of an item's next events`;
    const text = `${often}: drawn negatives have it from another event, and a model may tell them by it; leave it out if it tells of the request, not of the item`;
    return { code: "NEGATIVES_ATTRIBUTE", text };
  });
  return [{ code: "NEGATIVES_DRAWN", text: negativesBase(drawn, negatives) }, ...telling];
}

/**
 * Warnings of tables none of whose ids has a row of its own: all of them share row 0. That of all tables is an error.
 *
 * @throws {LapidaryError} TRAIN_IDS
 */
export function idWarnings(
  tables: readonly TableIds[],
  { where, minCount }: { readonly where: string; readonly minCount: number },
): readonly TrainingWarning[] {
  const used = tables.filter(({ ids }) => ids > 0);
  const strangers = used.filter(({ admitted }) => admitted === 0);
  const often = minCount === 1 ? "in the training window" : `${minCount} times in the training window (minCount)`;
  if (strangers.length > 0 && strangers.length === used.length) {
    throw new LapidaryError({
      code: "TRAIN_IDS",
      where,
      expected: `ids that were seen ${often}`,
      got: `none in any of the tables ${used.map(({ table }) => table).join(", ")}`,
      hint: "Lower `minCount` of the model, or train on more events.",
    });
  }
  return strangers.map(({ table, ids }) => ({
    code: "IDS_NOT_ADMITTED",
    text: `no ${table} of ${ids} was seen ${often}: all share one row, and the model cannot tell them apart`,
  }));
}

/** How good a model is on the validation window in one objective; null where it is not defined. */
export interface ObjectiveValidation {
  readonly baseRate: number | null;
  readonly normalizedEntropy: number | null;
}

/** What a training knows of itself at its end. */
export interface TrainingEnd {
  /** By objective. */
  readonly validation: Readonly<Record<string, ObjectiveValidation>>;
  /** By objective. */
  readonly labels: Readonly<Record<string, LabelCounts>>;
  readonly steps: number;
  /** Log loss of the last update, and of the base rates, both added over the objectives; null where they cannot be compared. @unit nats */
  readonly lastLoss: number | null;
  readonly baseLoss: number;
  /** Tables none of whose ids has a row. */
  readonly rowless: readonly string[];
}

/** What is shown as 1.0000 is not said to be worse. */
const WORSE_THAN = 1 + 5e-5;
/** Labels of the rarer class below which they are few, and updates below which those are. */
const FEW_LABELS = 100;
const FEW_UPDATES = 100;
/** Share of the base rates' loss by which a training loss must differ from it to be told apart: one batch is noisy. */
const LOSS_MARGIN = 0.1;

/** A warning for each objective in which the model that was kept is worse than its base rate, and what it may come from. */
export function baseRateWarnings(end: TrainingEnd): readonly TrainingWarning[] {
  return Object.entries(end.validation).flatMap(([objective, validation]): TrainingWarning[] => {
    const { normalizedEntropy } = validation;
    if (normalizedEntropy === null || normalizedEntropy <= WORSE_THAN) return [];
    const reasons = [movedRate(validation, end.labels[objective]), ...commonReasons(end, objective)].filter(
      (reason) => reason !== null,
    );
    const why = reasons.length === 0 ? "nothing plain to see: try other learning rates" : reasons.join("; ");
    const [base, metric] =
      end.labels[objective]?.amounts === undefined ? ["base rate", "NE"] : ["mean", "normalized deviance"];
    const text = `${objective} is worse than its ${base} on the validation window (${metric} ${normalizedEntropy.toFixed(4)}): ${why}`;
    return [{ code: "WORSE_THAN_BASE_RATE", text }];
  });
}

/** Whether most of the loss is that of the training window's rate. */
function movedRate({ baseRate: rate, normalizedEntropy }: ObjectiveValidation, labels: LabelCounts | undefined) {
  if (rate === null || normalizedEntropy === null || labels === undefined || labels.known === 0) return null;
  if (labels.amounts !== undefined) return movedMean(rate, labels.amounts.mean);
  const learned = labels.positive / labels.known;
  const excess = constantLogLoss(rate, learned) / constantLogLoss(rate, rate) - 1;
  if (!(excess >= (normalizedEntropy - 1) / 2)) return null;
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  return `its label rate moved, from ${percent(learned)} in training to ${percent(rate)}`;
}

/** Factor by which a mean must have moved to be named. */
const MOVED_MEAN = 1.5;

function movedMean(now: number, learned: number): string | null {
  const factor = Math.max(now, learned) / Math.min(now, learned);
  if (!(factor >= MOVED_MEAN)) return null;
  return `its mean moved, from ${learned.toPrecision(3)} in training to ${now.toPrecision(3)}`;
}

function commonReasons(end: TrainingEnd, objective: string): readonly (string | null)[] {
  const { known = 0, positive = 0, amounts } = end.labels[objective] ?? {};
  // Of amounts those above 0 tell the most.
  const rarer = amounts === undefined ? Math.min(positive, known - positive) : positive;
  const { steps, rowless, lastLoss, baseLoss } = end;
  const [isFitted, isUnfit] = [
    lastLoss !== null && lastLoss < (1 - LOSS_MARGIN) * baseLoss,
    lastLoss !== null && lastLoss > (1 + LOSS_MARGIN) * baseLoss,
  ];
  const losses = `loss ${lastLoss?.toFixed(3)}, base rates ${baseLoss.toFixed(3)}`;
  return [
    rarer < FEW_LABELS
      ? `only ${rarer} ${amounts !== undefined || positive <= known / 2 ? "positive" : "negative"} labels to learn from`
      : null,
    steps < FEW_UPDATES ? `only ${steps} updates: make more epochs, or smaller batches` : null,
    rowless.length > 0 ? `no id of ${rowless.join(", ")} has a row of its own` : null,
    isFitted ? `it fits its training examples (${losses}) and not these: more data, fewer epochs or lower rates` : null,
    isUnfit ? `it does not fit even its training examples (${losses}): lower the learning rates` : null,
  ];
}
