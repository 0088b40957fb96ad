import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import type { ModelConfig } from "../../config/model/model.ts";
import { makeFolder, moveAside, writeFileAtomic } from "../../files/durable-file.ts";
import type { ModelCost } from "../../model/index.ts";
import { FileLock } from "../../torch/index.ts";
import type { Utilization } from "../utilization/utilization.ts";
import type { TrainingWarning } from "../warnings.ts";
import { CheckpointFolder, type Validation } from "./checkpoint.ts";
import { changesOf, type SettingChange } from "./run-changes.ts";
import type { RunConfig } from "./run-config.ts";
import { modelOfRun, type StoredModel } from "./stored-model.ts";

/** When and from what a run was begun; nothing depends on it. */
export interface RunOrigin {
  /** ISO 8601, UTC. */
  readonly begun: string;
  /** Commit of the project, ending in `-dirty` if files differ from it; null if it is in no repository. */
  readonly commit: string | null;
  /** Version of lapidary. */
  readonly lapidary: string;
}

/** What a finished run says of itself. */
export interface RunSummary {
  readonly model: string;
  readonly kind: ModelConfig["kind"];
  /** Elements of the dense parameters, and values in the rows of the tables. */
  readonly denseParameters: number;
  readonly tableParameters: number;
  /**
   * Matrix-product operations per example: of the forward pass, and of forward and backward. Counted on the first batch
   * of shuffled ones, on batches from all over the pass of those in order of time.
   */
  readonly forwardFlopsPerExample: number;
  readonly trainingFlopsPerExample: number;
  /** What forward keeps for backward. @unit bytes */
  readonly activationBytesPerExample: number;
  /**
   * Rows of tables that the forward pass looks up, each as often as it does: ids and events that are read cost no FLOPs.
   * Earlier versions did not count it. @unit bytes
   */
  readonly gatheredBytesPerExample?: number;
  /** FLOPs, activations and rows per example by part of the model: `embeddings`, `interaction`, `sequences`, `heads`, … */
  readonly costByPart: ModelCost["parts"];
  /** Examples of the training window. */
  readonly examples: number;
  readonly steps: number;
  /** Seconds spent in updates, in all sessions of the run. */
  readonly trainSeconds: number;
  /** How it used the machine; null without an update since it was last started. Earlier versions did not measure it. */
  readonly utilization?: Utilization | null;
  /** Log loss of the last update; null if there was none. @unit nats */
  readonly lastLoss: number | null;
  /** The validation whose model was kept; null without validation examples. */
  readonly best: Validation | null;
  /** Why there was no further update: all passes were made, or no validation was better for `training.patience` of them. */
  readonly ended?: "passes" | "patience";
  /** What the user should know of the training. */
  readonly warnings: readonly TrainingWarning[];
}

/**
 * The folder of one run: `config.json` (resolved), `origin.json`, `inputs/`, `metrics.jsonl`, `tensorboard/`,
 * `checkpoints/`, `predictions/`, and `summary.json` once it is finished. `lock` is held while a process trains it.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { RunFolder, runPath } from "lapidary/train";
 *
 * const { folder, summary } = RunFolder.finished(runPath(await loadProject(), "foundation"));
 * console.log(folder.config.name, summary.kind, summary.best !== null); // foundation foundation true
 */
export class RunFolder implements Disposable {
  readonly path: string;
  #lock: FileLock | null = null;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Opens the folder of a run for training: a new one, or an earlier one of the same configuration to be continued.
   * One of another configuration that has no checkpoint is moved aside. It is this process's until it is disposed of.
   *
   * @param options.fresh move an earlier run aside and start over
   * @param options.origin what is kept of the beginning of a new run
   * @throws {LapidaryError} RUN_BUSY while another process trains it, RUN_CHANGED if an earlier run with a checkpoint had
   *   another configuration
   */
  static begin(path: string, options: { config: RunConfig; fresh: boolean; origin: () => RunOrigin }): RunFolder {
    const folder = new RunFolder(path);
    folder.#lock = lockIn(path);
    try {
      folder.#adopt(options);
      folder.checkpoints.sweep();
    } catch (error) {
      folder[Symbol.dispose]();
      throw error;
    }
    return folder;
  }

  #adopt({ config, fresh, origin }: { config: RunConfig; fresh: boolean; origin: () => RunOrigin }): void {
    const file = join(this.path, CONFIG);
    const changes = existsSync(file) ? changesOf(this.config, config) : [];
    // An attempt without a checkpoint, of too large a batch for example, must not stand in the way of its correction.
    const isAside = fresh || (changes.length > 0 && this.checkpoints.isEmpty);
    if (changes.length > 0 && !isAside) throw changed(this.path, changes);
    if (isAside && readdirSync(this.path).some((name) => name !== LOCK)) this.#moveAside();
    if (existsSync(file)) return;
    writeFileAtomic(join(this.path, ORIGIN), textOf(origin()));
    writeFileAtomic(file, textOf(config));
  }

  #moveAside(): void {
    moveAside(this.path);
    this[Symbol.dispose]();
    this.#lock = lockIn(this.path);
  }

  /** Lets other processes train the run. */
  [Symbol.dispose](): void {
    this.#lock?.[Symbol.dispose]();
    this.#lock = null;
  }

  /**
   * Where a run of this configuration stands; nothing is written. `changed`: begun with another one, and not to be lost.
   */
  static standing(path: string, config: RunConfig): "none" | "begun" | "finished" | "changed" {
    const folder = new RunFolder(path);
    if (!existsSync(join(path, CONFIG))) return "none";
    if (changesOf(folder.config, config).length === 0) return folder.summary === null ? "begun" : "finished";
    return folder.checkpoints.isEmpty ? "none" : "changed";
  }

  /** Removes a run, all of it. @throws {LapidaryError} RUN_BUSY while a process trains it */
  static remove(path: string): void {
    using _lock = lockIn(path);
    rmSync(path, { recursive: true });
  }

  /** The folder of a run that another process has begun. */
  static at(path: string): RunFolder {
    return new RunFolder(path);
  }

  /** Opens a finished run. @throws {LapidaryError} RUN_UNFINISHED */
  static finished(path: string): { readonly folder: RunFolder; readonly summary: RunSummary } {
    const folder = new RunFolder(path);
    const { summary } = folder;
    if (summary !== null) return { folder, summary };
    throw new LapidaryError({
      code: "RUN_UNFINISHED",
      where: path,
      expected: "a finished run",
      got: existsSync(path) ? "a run that has not ended" : "no such folder",
      hint: "Train it with `lapidary train NAME`; an interrupted run continues where it stopped.",
    });
  }

  /** All that decided the result. */
  get config(): RunConfig {
    const config = JSON.parse(readFileSync(join(this.path, CONFIG), "utf8")) as RunConfig & {
      readonly model: StoredModel;
    };
    return { ...config, model: modelOfRun(config.model) };
  }

  /** When and from what it was begun. */
  get origin(): RunOrigin {
    return JSON.parse(readFileSync(join(this.path, ORIGIN), "utf8")) as RunOrigin;
  }

  /** The summary of a finished run; null while it is not finished. */
  get summary(): RunSummary | null {
    const file = join(this.path, "summary.json");
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as RunSummary) : null;
  }

  /** Marks the run as finished. */
  finish(summary: RunSummary): void {
    writeFileAtomic(join(this.path, "summary.json"), textOf(summary));
  }

  get checkpoints(): CheckpointFolder {
    return new CheckpointFolder(join(this.path, "checkpoints"));
  }

  get curve(): string {
    return join(this.path, "metrics.jsonl");
  }

  get tensorboard(): string {
    return join(this.path, "tensorboard");
  }

  get inputs(): string {
    return join(this.path, "inputs");
  }

  /** Splits, or parts of them, that there are predictions over. */
  get predicted(): readonly string[] {
    const folder = join(this.path, "predictions");
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((name) => /^(.+)\.safetensors$/.exec(name)?.[1] ?? []);
  }

  /** File of the model's predictions over a split. */
  predictions(split: string): string {
    return join(this.path, "predictions", `${split}.safetensors`);
  }
}

const CONFIG = "config.json";
const ORIGIN = "origin.json";
const LOCK = "lock";

/** @throws {LapidaryError} RUN_BUSY */
function lockIn(path: string): FileLock {
  makeFolder(path);
  const file = join(path, LOCK);
  closeSync(openSync(file, "a")); // Whatever keeps it from being opened is the system's to say.
  const lock = FileLock.take(file);
  if (lock !== null) return lock;
  throw new LapidaryError({
    code: "RUN_BUSY",
    where: path,
    expected: "no other process that trains this run",
    got: "one that does",
    hint: "Wait for it to end or stop it, or train another run with --run NAME.",
  });
}

function textOf(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Changed settings that an error names. */
const NAMED = 6;

function changed(path: string, changes: readonly SettingChange[]): LapidaryError {
  const text = (value: (change: SettingChange) => string | null): string => {
    const named = changes.slice(0, NAMED).map((change) => `${change.path} ${value(change) ?? "not set"}`);
    const others = changes.length - named.length;
    return [...named, ...(others === 0 ? [] : [`${others} more`])].join(", ");
  };
  return new LapidaryError({
    code: "RUN_CHANGED",
    where: path,
    expected: `what the run was begun with: ${text(({ was }) => was)}`,
    got: text(({ now }) => now),
    hint: "Undo the change to continue the run, or start over with --fresh (the earlier run is kept beside it).",
  });
}
