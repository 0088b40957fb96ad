import { LapidaryError } from "../base/errors.ts";
import { mapValues } from "../base/map-values.ts";
import type { Batch } from "../features/spec.ts";
import { type MetricRow, metricRow } from "../metrics/evaluation.ts";
import { constantLogLoss } from "../metrics/predictions.ts";
import { costOf, type ModelCost, timeParts } from "../model/index.ts";
import { countElements, parametersOf, type Schedule, warmupStableDecay } from "../nn/index.ts";
import { countValues } from "../ops/index.ts";
import { countFlops, noGrad, Scope } from "../torch/index.ts";
import type { TrainingJob, TrainingOutcome } from "./job.ts";
import type { Learner, StepReport } from "./learner.ts";
import { inPrecision } from "./precision.ts";
import { mapBatches, meanNormalizedEntropy, predict } from "./predict.ts";
import { RateMeter } from "./progress.ts";
import type { TrainingPosition } from "./run/checkpoint.ts";
import { Curves, isValidated, VALIDATION } from "./run/curves.ts";
import type { RunSummary } from "./run/run-folder.ts";
import { type Utilization, WorkMeter } from "./utilization/utilization.ts";
import { baseRateWarnings, type TrainingWarning } from "./warnings.ts";

const START: TrainingPosition = { step: 0, epoch: 0, batch: 0, seconds: 0, lastLoss: null, best: null };

/** Batches that operations are counted on, spread over a pass in order of time. */
const COUNTED_BATCHES = 8;

type CostPerExample = Pick<
  RunSummary,
  | "forwardFlopsPerExample"
  | "trainingFlopsPerExample"
  | "activationBytesPerExample"
  | "gatheredBytesPerExample"
  | "costByPart"
>;

/** What a model costs, and what its parts cost and took in one forward pass. */
interface MeasuredCost {
  readonly perExample: CostPerExample;
  readonly parts: Readonly<Record<string, { readonly seconds: number; readonly flops: number }>>;
}

/** One process's work on a run, from its start or its last checkpoint to its end or its interruption. */
export class Session {
  readonly #job: TrainingJob;
  readonly #learner: Learner;
  readonly #schedule: Schedule;
  readonly #epochs: number;
  readonly #totalSteps: number;
  readonly #curves: Curves | null;
  readonly #meter = new RateMeter();
  readonly #work = new WorkMeter();
  #position: TrainingPosition;

  constructor(job: TrainingJob, learner: Learner) {
    this.#job = job;
    this.#learner = learner;
    const { training, kind } = job.config;
    const stepsPerEpoch = Math.floor(job.inputs.numExamples / training.globalBatchSize);
    this.#epochs = kind === "baseRate" ? 0 : training.epochs;
    const restored = job.folder.checkpoints.restore(learner, (error) => job.onNotice(error.message));
    this.#position = restored ?? { ...START, step: job.goOn?.(learner) ?? 0 };
    // Updates of the runs that this one goes on from.
    const earlier = this.#position.step - this.#position.epoch * stepsPerEpoch - this.#position.batch;
    this.#totalSteps = earlier + stepsPerEpoch * this.#epochs;
    this.#schedule = warmupStableDecay(this.#totalSteps, {
      warmup: earlier > 0 ? 0 : Math.ceil(this.#totalSteps * training.warmupRatio),
      decay: Math.floor((this.#totalSteps - earlier) * training.decayRatio),
    });
    this.#curves = job.mesh.rank === 0 ? new Curves(job.folder, this.#position) : null;
  }

  /** Trains to the end, or until it is told to stop. */
  async run(): Promise<TrainingOutcome> {
    // By epochs, not by steps: behind the last update its epoch is still to be validated.
    while (this.#position.epoch < this.#epochs && !this.#isOutOfPatience) {
      if ((await this.#epoch()) === "stopped") return { kind: "stopped", step: this.#position.step };
    }
    if (this.#position.best === null) this.#saveBest();
    const summary = await this.#summary();
    if (this.#job.mesh.rank === 0) this.#job.folder.finish(summary);
    return { kind: "finished", summary };
  }

  /** Closes the curves. */
  close(): void {
    this.#curves?.close();
  }

  get #isOutOfPatience(): boolean {
    const { patience } = this.#job.config.training;
    return patience !== null && (this.#position.worse ?? 0) >= patience;
  }

  async #epoch(): Promise<"done" | "stopped"> {
    const { inputs, signal, config, mesh } = this.#job;
    const { epoch, batch: start } = this.#position;
    const { validateEverySteps: every } = config.training;
    let ready = performance.now();
    for await (const batch of await inputs.trainingBatches({ epoch, start, mesh, reuses: true })) {
      const prepared = this.#job.prepare(batch);
      this.#work.addWaiting((performance.now() - ready) / 1000);
      this.#step(prepared);
      if (every !== null && this.#position.step % every === 0) await this.#compare();
      if (this.#isOutOfPatience) {
        this.#checkpoint();
        return "done";
      }
      if (mesh.agree(signal.aborted)) {
        this.#checkpoint();
        return "stopped";
      }
      if (this.#position.step % config.training.checkpointEverySteps === 0) this.#checkpoint();
      ready = performance.now();
    }
    await this.#endEpoch();
    return "done";
  }

  #step(batch: Batch): void {
    const { config, mesh } = this.#job;
    const began = performance.now();
    const { phases, ...report } = this.#learner.update(batch, config.training, { mesh, schedule: this.#schedule });
    const seconds = (performance.now() - began) / 1000;
    if (!Number.isFinite(report.loss) || !Number.isFinite(report.gradientNorm)) throw this.#diverged(report);
    const { step, batch: index, seconds: before } = this.#position;
    const moved = { step: step + 1, batch: index + 1, seconds: before + seconds, lastLoss: report.loss };
    this.#position = { ...this.#position, ...moved };
    const { globalBatchSize: examples } = config.training;
    this.#meter.add(examples, seconds);
    this.#work.addUpdate(batch, { examples, phases });
    this.#curves?.write(moved.step, { ...report, examplesPerSecond: this.#meter.rate });
    this.#progress(report.loss);
  }

  /** Validates, and moves to the next epoch. */
  async #endEpoch(): Promise<void> {
    if (!isValidated(this.#position)) await this.#compare();
    this.#position = { ...this.#position, epoch: this.#position.epoch + 1, batch: 0 };
    this.#checkpoint();
  }

  /** Validates, and keeps the model if it is the best so far. */
  async #compare(): Promise<void> {
    const { epoch, step, best, worse = 0 } = this.#position;
    this.#learner.shareUntrainedRows();
    this.#position = { ...this.#position, validated: step };
    const began = performance.now();
    const bestByObjective = this.#job.validates ? await this.#validate() : {};
    this.#work.addValidation((performance.now() - began) / 1000);
    const normalizedEntropy = meanNormalizedEntropy(bestByObjective);
    if (normalizedEntropy === null) return;
    this.#curves?.write(step, { [VALIDATION]: normalizedEntropy });
    if (best !== null && normalizedEntropy >= best.normalizedEntropy) {
      this.#position = { ...this.#position, worse: worse + 1 };
      return;
    }
    this.#position = { ...this.#position, best: { epoch, step, normalizedEntropy }, bestByObjective, worse: 0 };
    this.#saveBest();
  }

  async #validate(): Promise<Readonly<Record<string, MetricRow>>> {
    const { inputs, mesh } = this.#job;
    const batches = await inputs.evaluationBatches("validation", mesh, { reuses: true });
    const predictions = await predict(this.#learner.model, mapBatches(batches, this.#job.enrich), {
      spec: inputs.spec,
      mesh,
    });
    return Object.fromEntries(Object.entries(predictions).map(([name, examples]) => [name, metricRow(examples)]));
  }

  #progress(loss: number): void {
    const { step } = this.#position;
    const rate = this.#meter.rate;
    const examplesLeft = (this.#totalSteps - step) * this.#job.config.training.globalBatchSize;
    const secondsLeft = rate === 0 ? 0 : examplesLeft / rate;
    this.#job.onProgress({ step, totalSteps: this.#totalSteps, loss, examplesPerSecond: rate, secondsLeft });
  }

  #checkpoint(): void {
    this.#curves?.flush();
    if (this.#job.mesh.rank === 0) this.#job.folder.checkpoints.save(this.#learner, this.#position);
    this.#job.mesh.barrier();
  }

  #saveBest(): void {
    if (this.#job.mesh.rank === 0) this.#job.folder.checkpoints.saveBest(this.#learner, this.#position);
    this.#job.mesh.barrier();
  }

  async #summary(): Promise<RunSummary> {
    const { name, config, inputs } = this.#job;
    const { dense, tables } = parametersOf(this.#learner.model);
    const { step, seconds, lastLoss, best } = this.#position;
    const { perExample, parts } = await this.#measureCost();
    return {
      model: name,
      kind: config.kind,
      denseParameters: countElements(dense),
      tableParameters: tables.reduce((sum, { tensor }) => sum + countValues(tensor), 0),
      ...perExample,
      examples: inputs.numExamples,
      steps: step,
      trainSeconds: seconds,
      utilization: this.#utilization(perExample, parts),
      lastLoss,
      best,
      ended: this.#isOutOfPatience ? "patience" : "passes",
      warnings: [...this.#job.warnings, ...this.#warnings()],
    };
  }

  #utilization(perExample: CostPerExample, parts: MeasuredCost["parts"]): Utilization | null {
    const { mesh, config } = this.#job;
    const { trainingFlopsPerExample } = perExample;
    return this.#work.utilization({ trainingFlopsPerExample, training: config.training, mesh, parts });
  }

  /** What is to be said of the model that was kept. */
  #warnings(): readonly TrainingWarning[] {
    const { inputs, config, folder } = this.#job;
    const { bestByObjective = {}, step, lastLoss } = this.#position;
    const { objectives, objectiveKinds } = inputs.spec;
    const entropies = objectives.map((name, task) => {
      const rate = inputs.rates[task] ?? 0.5;
      return (config.training.objectiveWeights[name] ?? 1) * constantLogLoss(rate, rate);
    });
    // What is learned from a teacher is part of the loss, that of amounts has no zero to compare shares with, and a loss of
    // the project's own may count anything.
    const { knowledge, losses } = folder.config;
    const isComparable = knowledge === undefined && objectiveKinds === undefined && losses === undefined;
    return baseRateWarnings({
      validation: bestByObjective,
      labels: inputs.labels,
      steps: step,
      lastLoss: isComparable ? lastLoss : null,
      baseLoss: entropies.reduce((sum, entropy) => sum + entropy, 0),
      rowless: inputs.tables.filter(({ ids, admitted }) => ids > 0 && admitted === 0).map(({ table }) => table),
    });
  }

  /**
   * What passes over some of the training batches cost per example. The whole is counted, not estimated: what really
   * runs. Its parts, their times, and what is kept between the passes, are the model's in the middle one of those batches,
   * without what a student learns beside it.
   */
  async #measureCost(): Promise<MeasuredCost> {
    const { inputs, mesh, config } = this.#job;
    const { model } = this.#learner;
    const counted = this.#countedBatches();
    const middle = counted[Math.floor(counted.length / 2)];
    let [forward, training, gathered, examples, logged] = [0, 0, 0, 0, 0];
    let cost: ModelCost | null = null;
    let parts: MeasuredCost["parts"] = {};
    for (const start of counted) {
      for await (const read of await inputs.trainingBatches({ epoch: 0, start, mesh })) {
        const batch = this.#job.enrich(read);
        using _scope = new Scope();
        forward += countFlops(() => noGrad(() => model.logits(batch)));
        training += countFlops(() => this.#learner.gradients(batch, mesh));
        examples += batch.size;
        // Negatives that are drawn are part of what an example of the log costs.
        logged += batch.rows.filter((row) => row >= 0).length;
        const computed = inPrecision(model, config.training);
        const ofParts = costOf(computed, batch);
        gathered += ofParts.total.gatheredBytes * batch.size;
        if (start === middle) {
          cost = ofParts;
          parts = mapValues(timeParts(computed, batch), (seconds, part) => {
            return { seconds, flops: (ofParts.parts[part]?.forwardFlops ?? 0) * batch.size };
          });
        }
        break;
      }
    }
    const per = (flops: number, count: number): number => (count === 0 ? 0 : flops / count);
    const perExample = {
      forwardFlopsPerExample: per(forward, examples),
      trainingFlopsPerExample: per(training, logged),
      activationBytesPerExample: cost?.total.activationBytes ?? 0,
      gatheredBytesPerExample: per(gathered, logged),
      costByPart: cost?.parts ?? {},
    };
    return { perExample, parts };
  }

  /** A shuffled batch is as any other; in order of time, histories grow, so that the first ones cost the least. */
  #countedBatches(): readonly number[] {
    const { inputs, config } = this.#job;
    if (config.training.order === "shuffled") return [0];
    const batches = Math.floor(inputs.numExamples / config.training.globalBatchSize);
    const counted = Math.min(batches, COUNTED_BATCHES);
    return Array.from({ length: counted }, (_, i) => Math.floor(((i + 0.5) * batches) / counted));
  }

  #diverged({ loss, gradientNorm }: Pick<StepReport, "loss" | "gradientNorm">): LapidaryError {
    return new LapidaryError({
      code: "TRAIN_DIVERGED",
      where: `${this.#job.name}, step ${this.#position.step + 1}`,
      expected: "a finite loss and gradient",
      got: `loss ${loss}, gradient norm ${gradientNorm}`,
      hint: "Lower the learning rate; the run goes on from its last checkpoint, or anew with --fresh.",
    });
  }
}
