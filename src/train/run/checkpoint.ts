import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import { digestFile, sha256 } from "../../files/digest.ts";
import { makeFolder, removeFolder, replaceFolder } from "../../files/durable-file.ts";
import type { Model } from "../../model/index.ts";
import { parametersOf } from "../../nn/index.ts";
import { readSafetensors, writeSafetensors } from "../../torch/files/safetensors.ts";
import type { Tensor } from "../../torch/index.ts";
import { copyTensors, type Learner } from "../learner.ts";
import type { ObjectiveValidation } from "../warnings.ts";

/** Checkpoints kept: the newest, and one more in case the newest is damaged. */
const KEPT = 2;

/** How good a model was on the validation window. */
export interface Validation {
  readonly epoch: number;
  /** Updates made by then; earlier versions, which validated at the end of an epoch alone, did not say. */
  readonly step?: number;
  /** Normalized entropy, averaged over objectives. */
  readonly normalizedEntropy: number;
}

/** Where training stands: what a checkpoint holds besides tensors. */
export interface TrainingPosition {
  /** Updates made. */
  readonly step: number;
  readonly epoch: number;
  /** Global batches of this epoch that were consumed. */
  readonly batch: number;
  /** Time spent in updates. @unit s */
  readonly seconds: number;
  /** Log loss of the last update; null before the first. @unit nats */
  readonly lastLoss: number | null;
  /** The best validation so far; null before the first one, or without validation examples. */
  readonly best: Validation | null;
  /** Validations since the best one. @default 0 */
  readonly worse?: number;
  /** Step of the last validation. @default this step where an epoch has ended, else none */
  readonly validated?: number;
  /** The best validation by objective; absent where `best` is null. */
  readonly bestByObjective?: Readonly<Record<string, ObjectiveValidation>>;
}

interface Manifest {
  readonly position: TrainingPosition;
  /** Of the tensors' file and the position. */
  readonly sha256: string;
}

const TENSORS = "tensors.safetensors";
const MANIFEST = "manifest.json";
const BEST = "best";

/** The checkpoints of one run: `step-00000200/{tensors.safetensors, manifest.json}`, each complete or absent. */
export class CheckpointFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Whether nothing was ever saved. */
  get isEmpty(): boolean {
    return this.#names().length === 0 && !existsSync(join(this.path, BEST));
  }

  /** Removes what a crash has left half written or half removed; for the process that holds the run alone. */
  sweep(): void {
    if (!existsSync(this.path)) return;
    const left = readdirSync(this.path).filter((name) => /^\..+\.(partial|removed)$/.test(name));
    for (const name of left) rmSync(join(this.path, name), { recursive: true, force: true });
  }

  /** Writes a checkpoint beside the others, makes it visible in one rename, then drops all but it and one before. */
  save(learner: Learner, position: TrainingPosition): void {
    const name = `step-${String(position.step).padStart(8, "0")}`;
    this.#write(name, learner, position);
    // Those of later steps are damaged, or training would stand there: they must not crowd out the new one.
    const kept = this.#names().filter((other) => other <= name);
    const unwanted = this.#names().filter((other) => !kept.slice(-KEPT).includes(other));
    for (const other of unwanted) removeFolder(join(this.path, other));
  }

  /** Writes the best checkpoint, in the place of the one before. */
  saveBest(learner: Learner, position: TrainingPosition): void {
    this.#write(BEST, learner, position);
  }

  /**
   * Restores the newest checkpoint that is whole, and says where it stands; null if there is none.
   *
   * @param onDamaged told of each newer checkpoint that is damaged
   * @throws {LapidaryError} CHECKPOINT_MISMATCH if it is of another model
   */
  restore(learner: Learner, onDamaged: (error: LapidaryError) => void): TrainingPosition | null {
    for (const name of this.#names().reverse()) {
      const folder = join(this.path, name);
      const manifest = readWhole(folder);
      if (manifest !== null) return load(learner, folder, manifest);
      onDamaged(damaged(folder, "The checkpoint before it is used. Check the disk."));
    }
    return null;
  }

  /** Restores the best checkpoint. @throws {LapidaryError} CHECKPOINT_DAMAGED, CHECKPOINT_MISMATCH */
  restoreBest(learner: Learner): TrainingPosition {
    const folder = join(this.path, BEST);
    const manifest = readWhole(folder);
    if (manifest !== null) return load(learner, folder, manifest);
    throw damaged(folder, "Train the model again with --fresh. Check the disk.");
  }

  /** What the best checkpoint holds, in the scope that is open. @throws {LapidaryError} CHECKPOINT_DAMAGED */
  readBest(): { readonly tensors: Readonly<Record<string, Tensor>>; readonly step: number } {
    const folder = join(this.path, BEST);
    const manifest = readWhole(folder);
    if (manifest === null) throw damaged(folder, "Train the model again with --fresh. Check the disk.");
    return { tensors: readSafetensors(join(folder, TENSORS)).tensors, step: manifest.position.step };
  }

  /**
   * Reads the model of the best checkpoint, without what was only needed to train it.
   *
   * @throws {LapidaryError} CHECKPOINT_DAMAGED, CHECKPOINT_MISMATCH
   */
  loadBest(model: Model): void {
    const folder = join(this.path, BEST);
    if (readWhole(folder) === null) throw damaged(folder, "Train the model again with --fresh. Check the disk.");
    const { tensors } = readSafetensors(join(folder, TENSORS));
    const saved = Object.entries(tensors).filter(([name]) => name.startsWith("model."));
    const { dense, tables } = parametersOf({ model });
    const mine = [...dense, ...tables].map(({ name, tensor }) => [name, tensor] as const);
    copyTensors(new Map(saved), new Map(mine), { where: folder });
  }

  /** SHA-256 of the best checkpoint. @throws {LapidaryError} CHECKPOINT_DAMAGED */
  bestDigest(): string {
    const folder = join(this.path, BEST);
    const manifest = readWhole(folder);
    if (manifest === null) throw damaged(folder, "Train the model again with --fresh. Check the disk.");
    return manifest.sha256;
  }

  #write(name: string, learner: Learner, position: TrainingPosition): void {
    const staging = join(this.path, `.${name}.partial`);
    rmSync(staging, { recursive: true, force: true });
    makeFolder(staging);
    writeSafetensors(join(staging, TENSORS), learner.tensors());
    const manifest: Manifest = { position, sha256: digest(join(staging, TENSORS), position) };
    writeFileSync(join(staging, MANIFEST), textOf(manifest));
    // A crash that leaves none of this name leaves the checkpoints before it.
    replaceFolder(staging, join(this.path, name));
  }

  #names(): string[] {
    if (!existsSync(this.path)) return [];
    return readdirSync(this.path)
      .filter((name) => name.startsWith("step-"))
      .sort();
  }
}

function textOf(manifest: Manifest): string {
  return `${JSON.stringify(manifest)}\n`;
}

/** The manifest of a checkpoint that is as it was written; null otherwise. */
function readWhole(folder: string): Manifest | null {
  try {
    const text = readFileSync(join(folder, MANIFEST), "utf8");
    const manifest = JSON.parse(text) as Manifest;
    // Another last digit may be the same number: what was written is the text.
    if (text !== textOf(manifest)) return null;
    return digest(join(folder, TENSORS), manifest.position) === manifest.sha256 ? manifest : null;
  } catch {
    return null;
  }
}

function load(learner: Learner, folder: string, { position }: Manifest): TrainingPosition {
  const { tensors } = readSafetensors(join(folder, TENSORS));
  learner.restore(new Map(Object.entries(tensors)), { step: position.step, where: folder });
  return position;
}

function damaged(folder: string, hint: string): LapidaryError {
  return new LapidaryError({
    code: "CHECKPOINT_DAMAGED",
    where: folder,
    expected: "tensors and a position with the checksum of the manifest",
    got: "others, or none",
    hint,
  });
}

/** Of the tensors' file and of the position. */
function digest(tensors: string, position: TrainingPosition): string {
  return sha256(JSON.stringify(position) + digestFile(tensors));
}
