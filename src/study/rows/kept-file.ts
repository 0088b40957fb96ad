/** Files of a study's small results, below the project's own folder: what a lost machine must not take along. */
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder, writeFileAtomic } from "../../files/durable-file.ts";
import type { Estimate } from "../../metrics/comparison/seed-interval.ts";
import type { CellCost } from "./cell-cost.ts";
import type { ScoredSet, Sliced } from "./estimates.ts";

/** How these files are written; one of another form is not read. */
const FORM = 1;

/** What is kept of a finished cell: all that the study's tables and intervals are made of. */
export interface CellRow {
  /** Digest of all that decided it: its models, data and window. */
  readonly settings: string;
  /** Commit of the project and version of lapidary that its first run was begun with. */
  readonly origin: { readonly commit: string | null; readonly lapidary: string };
  readonly set: ScoredSet;
  readonly cost: CellCost;
  readonly estimates: Sliced<Estimate>;
}

/** What is kept of what could be known at most: of everything, and of all but what no model can know. */
export interface KnownRow {
  readonly set: ScoredSet;
  readonly best: Sliced<Estimate>;
  readonly learnable: Sliced<Estimate>;
}

/** Reads what {@link keep} wrote; null if there is no such file, or one of another form. */
export function readKept<T extends object>(file: string): T | null {
  if (!existsSync(file)) return null;
  const { form, ...row } = JSON.parse(readFileSync(file, "utf8"), revive) as T & { readonly form: number };
  return form === FORM ? (row as unknown as T) : null;
}

/** Writes a file at once, and the folder that it is in. */
export function keep(file: string, row: object): void {
  makeFolder(dirname(file));
  writeFileAtomic(file, `${JSON.stringify({ form: FORM, ...row }, plain)}\n`);
}

/** JSON has no NaN: null stands for it. */
function plain(key: string, value: unknown): unknown {
  return key === "resampled" ? Array.from(value as Float64Array) : value;
}

function revive(key: string, value: unknown): unknown {
  return key === "resampled" ? Float64Array.from(value as (number | null)[], (draw) => draw ?? Number.NaN) : value;
}
