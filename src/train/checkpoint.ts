import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../config/errors.ts";
import { syncFolder, writeFileAtomic } from "../data/store/file-writer.ts";
import { readSafetensors, writeSafetensors } from "../torch/safetensors.ts";
import type { Learner } from "./learner.ts";

/** Checkpoints kept: the newest, and one more in case the newest is damaged. */
const KEPT = 2;

/** How good a model was on the validation window after an epoch. */
export interface Validation {
  readonly epoch: number;
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
  /** The best epoch so far; null before the first one ended, or without validation examples. */
  readonly best: Validation | null;
}

interface Manifest {
  readonly position: TrainingPosition;
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

  /** Writes a checkpoint beside the others, makes it visible in one rename, then drops the oldest. */
  save(learner: Learner, position: TrainingPosition): void {
    this.#write(`step-${String(position.step).padStart(8, "0")}`, learner, position);
    for (const old of this.#names().slice(0, -KEPT)) rmSync(join(this.path, old), { recursive: true });
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

  #write(name: string, learner: Learner, position: TrainingPosition): void {
    const final = join(this.path, name);
    const staging = join(this.path, `.${name}.partial`);
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { recursive: true });
    writeSafetensors(join(staging, TENSORS), learner.tensors());
    const manifest: Manifest = { position, sha256: sha256(join(staging, TENSORS)) };
    writeFileAtomic(join(staging, MANIFEST), `${JSON.stringify(manifest)}\n`);
    // A folder cannot be replaced in one step: what is there goes out of the way first, and a crash between the two
    // leaves the checkpoints before it.
    rmSync(final, { recursive: true, force: true });
    renameSync(staging, final);
    syncFolder(this.path);
  }

  #names(): string[] {
    if (!existsSync(this.path)) return [];
    return readdirSync(this.path)
      .filter((name) => name.startsWith("step-"))
      .sort();
  }
}

/** The manifest of a checkpoint whose tensors are those that were written; null otherwise. */
function readWhole(folder: string): Manifest | null {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), "utf8")) as Manifest;
    return sha256(join(folder, TENSORS)) === manifest.sha256 ? manifest : null;
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
    expected: "tensors with the checksum of their manifest",
    got: "others, or none",
    hint,
  });
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
