import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { DAY_MS } from "../base/units.ts";
import type { WorldConfig } from "../config/world/world.ts";
import { sha256 } from "../files/digest.ts";
import { replaceFolder } from "../files/durable-file.ts";
import { LOG_FOLDER, LogWriter, ORACLES_FOLDER, TRUTH_FOLDER } from "./log-writer.ts";
import { World } from "./world.ts";

/** Name of the description of a world, inside of its folder. */
const WORLD_FILE = "world.json";
/** Raised whenever the same configuration gives another world than before. */
const WORLD_VERSION = 1;

/** Options of {@link simulate}. */
export interface SimulateOptions {
  /** Makes the world again even if it is there. @default false */
  readonly force?: boolean;
  /** Asks the oracles too, of every event; a world that was made without their answers is made again. @default false */
  readonly oracles?: boolean;
  /** Called after each day with the days and events so far. */
  readonly onDay?: (days: number, events: number) => void;
  /** Ends the simulation: nothing of it is left. */
  readonly signal?: AbortSignal;
}

/** What a simulation made. */
export interface SimulateResult {
  /** True if the world was already there and nothing was done. */
  readonly upToDate: boolean;
  readonly events: number;
  /** Folders of the log and of the true probabilities. */
  readonly log: string;
  readonly truth: string;
  /** Folder of what the oracles say; null if they were not asked. */
  readonly oracles: string | null;
}

/** What {@link WORLD_FILE} says. */
interface WorldFile {
  readonly format: "lapidary-world";
  readonly version: number;
  readonly events: number;
  readonly digest: string;
  /** Only if the oracles were asked. */
  readonly oracles?: true;
  readonly config: Omit<WorldConfig, "folder">;
}

/**
 * Makes a world: its log and, beside it, the true probabilities, as Parquet files of a day or a part of it. Equal
 * configurations give equal bytes. The world appears by one rename once it is whole; one that was stopped starts over.
 *
 * @throws {LapidaryError} WORLD_FOLDER
 * @throws the signal's reason, if it is aborted
 */
export async function simulate(config: WorldConfig, options: SimulateOptions = {}): Promise<SimulateResult> {
  const { folder } = config;
  const found = readWorld(folder);
  const digest = digestOf(config);
  const { force = false, oracles: isAsked = false } = options;
  const isThere = found?.digest === digest && (found.oracles === true || !isAsked);
  const resultOf = (hasOracles: boolean) => {
    const oracles = hasOracles ? join(folder, ORACLES_FOLDER) : null;
    return { log: join(folder, LOG_FOLDER), truth: join(folder, TRUTH_FOLDER), oracles };
  };
  if (isThere && !force) return { upToDate: true, events: found.events, ...resultOf(found.oracles === true) };
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  try {
    const events = await write(config, partial, options);
    const { folder: _, ...kept } = config;
    const asked = isAsked ? ({ oracles: true } as const) : {};
    const file: WorldFile = {
      format: "lapidary-world",
      version: WORLD_VERSION,
      events,
      digest,
      ...asked,
      config: kept,
    };
    writeFileSync(join(partial, WORLD_FILE), `${JSON.stringify(file, null, 2)}\n`);
    replaceFolder(partial, folder);
    return { upToDate: false, events, ...resultOf(isAsked) };
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Number of events. */
async function write(
  config: WorldConfig,
  folder: string,
  { oracles = false, onDay, signal }: SimulateOptions,
): Promise<number> {
  const world = new World(config, { oracles });
  await using writer = await LogWriter.open({ folder, config, oracles });
  for (let day = 0; day < config.days; day++) {
    const date = new Date(config.firstDayMs + day * DAY_MS).toISOString().slice(0, 10);
    let part = 0;
    for (const rows of world.day(day)) {
      signal?.throwIfAborted();
      await writer.write(rows, `${date}-${String(part++).padStart(4, "0")}`);
      rows.clear();
    }
    onDay?.(day + 1, world.rows.total);
    // Once per day at least a signal gets its turn.
    await new Promise(setImmediate);
  }
  await writer.finish();
  return world.rows.total;
}

/** Digest of all that a world follows from. */
function digestOf({ folder: _, ...config }: WorldConfig): string {
  return sha256(JSON.stringify([WORLD_VERSION, config]));
}

/** The world in a folder; null if there is none. @throws {LapidaryError} WORLD_FOLDER if there is something else */
function readWorld(folder: string): WorldFile | null {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return null;
  const path = join(folder, WORLD_FILE);
  if (existsSync(path)) {
    const file = JSON.parse(readFileSync(path, "utf8")) as WorldFile;
    if (file.format === "lapidary-world") return file;
  }
  throw new LapidaryError({
    code: "WORLD_FOLDER",
    where: folder,
    expected: "no folder, an empty one, or a world",
    got: readdirSync(folder).slice(0, 5).join(", "),
    hint: "Choose another folder with world.folder: this one would be replaced.",
  });
}
