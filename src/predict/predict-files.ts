import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { formatOfNames, textOfFormat } from "../config/events/resolve-fields.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { EventsConfig } from "../config/types.ts";
import {
  BatchBuilder,
  databaseFolder,
  EventStore,
  GivenCoding,
  type GivenFiles,
  type GivenRows,
  readGivenRows,
} from "../data/index.ts";
import { objectivesOf } from "../features/objectives.ts";
import { publishFile } from "../files/durable-file.ts";
import { enrichmentOf, type KnowledgeFor, type OpenedRun, openRun } from "../train/index.ts";
import { PredictionsWriter } from "./predictions-writer.ts";
import { Scorer } from "./scorer.ts";

/** What to score, and where the scores go. */
export interface PredictOptions {
  /** Name of a finished run, or path of its folder. */
  readonly run: string;
  /** Files or globs. */
  readonly input: readonly string[];
  /** Parquet file that is written; the rows that cannot be used go to `<out>.dead-letters.jsonl`. */
  readonly out: string;
  /** Replaces what an earlier prediction wrote there. @default false */
  readonly force?: boolean;
  /** Adds what the model makes of the user. @default false */
  readonly embeddings?: boolean;
  /** Folder of a bundle of the run: probabilities are those that it serves. @default the run's own, as evaluation has them */
  readonly bundle?: string | null;
  /** What a model that reads its teacher's embeddings is given. @default none can score */
  readonly enrichFor?: KnowledgeFor;
  /** Told of the rows scored so far, and of all. @default nobody is told */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the work between two batches; nothing is written then. @default never */
  readonly signal?: AbortSignal;
}

/** What was scored. */
export interface Predicted {
  readonly out: string;
  readonly objectives: readonly string[];
  readonly predicted: number;
  readonly rejected: number;
  /** Number of rows that were not scored, by reason. */
  readonly rejections: Readonly<Record<string, number>>;
  /** The rows that were not scored, one JSON object per line; null if all were. */
  readonly deadLetterFile: string | null;
}

/** Everything that is open while rows are scored. */
interface Scene {
  readonly opened: OpenedRun;
  readonly scorer: Scorer;
  readonly files: GivenFiles;
  readonly writer: PredictionsWriter;
  /** Dead letters of this prediction, beside the place where they will be. */
  readonly letters: string;
  readonly options: PredictOptions;
}

/**
 * Scores the rows of files, which need not be in the event store: a row sees its user's events in the store strictly
 * before its own time, ids that the store never saw are new, and no label need be known. Both files appear whole or not
 * at all.
 *
 * @throws {LapidaryError} PREDICT_*, EVENTS_*, RUN_*, STORE_*, KNOWLEDGE_*, BUNDLE_*
 * @throws the signal's reason, if it is aborted
 */
export async function predictFiles(project: ProjectConfig, options: PredictOptions): Promise<Predicted> {
  const out = resolve(options.out);
  const deadLetterFile = `${out}.dead-letters.jsonl`;
  if (options.force !== true) for (const file of [out, deadLetterFile]) if (existsSync(file)) throw exists(file);
  using store = EventStore.open(project.store);
  const opened = openRun(project, options.run, { store });
  const scorer = new Scorer(opened, { embeddings: options.embeddings ?? false, bundle: options.bundle ?? null });
  mkdirSync(dirname(out), { recursive: true });
  // Beside the output: only within a file system is a rename one step.
  const workspace = mkdtempSync(join(dirname(out), `.${basename(out)}-`));
  try {
    const staged = { out: join(workspace, "out.parquet"), letters: join(workspace, "dead-letters.jsonl") };
    const result = await scoreInto(staged, { project, opened, scorer, options, workspace });
    if (result.rejected > 0) publishFile(staged.letters, deadLetterFile);
    else rmSync(deadLetterFile, { force: true });
    publishFile(staged.out, out);
    return { ...result, out, deadLetterFile: result.rejected > 0 ? deadLetterFile : null };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** The one format of the files: the log's, where a name tells none. @throws {LapidaryError} EVENTS_UNREADABLE if they have several */
function formatOfGiven(paths: readonly string[], ofLog: EventsConfig["format"]): EventsConfig["format"] {
  const formats = paths.map((path) => formatOfNames([path]) ?? ofLog);
  const other = formats.findIndex((format) => format !== formats[0]);
  if (other < 0) return formats[0] ?? ofLog;
  throw new LapidaryError({
    code: "EVENTS_UNREADABLE",
    where: paths[other] ?? "",
    expected: `a file of ${formats[0]}, as the first one`,
    got: `${formats[other]}`,
    hint: "Score the files of each format by themselves.",
  });
}

/** The mapping of rows that are still to happen: what comes of them, an action included, need not be there. */
function mappingOfGiven(events: EventsConfig, from: readonly string[]): EventsConfig {
  return { ...events, from, action: { value: "" }, outcomes: {} };
}

interface Job extends Pick<Scene, "opened" | "scorer" | "options"> {
  readonly project: ProjectConfig;
  readonly workspace: string;
}

async function scoreInto(
  staged: { readonly out: string; readonly letters: string },
  { project, opened, scorer, options, workspace }: Job,
): Promise<Omit<Predicted, "out" | "deadLetterFile">> {
  const { input, embeddings = false, signal } = options;
  const from = input.map((path) => resolve(path));
  const format = formatOfGiven(from, project.events.format);
  const text = textOfFormat(project.events, format);
  const config = { ...mappingOfGiven(project.events, from), format, text };
  const { objectives } = opened.inputs.spec;
  const { id, user, item, time } = config;
  const told = { events: id !== null, users: user !== null, items: "from" in item, times: time !== null };
  const layout = { objectives: objectivesOf(opened.inputs.spec), ...told, embeddings };
  const database = databaseFolder(workspace);
  let files: GivenFiles | null = null;
  let writer: PredictionsWriter | null = null;
  try {
    files = await readGivenRows(config, { workspace, deadLetters: staged.letters, ...(signal && { signal }) });
    writer = await PredictionsWriter.open(database.path, layout);
    const scored = await scoreAll({ opened, scorer, files, writer, letters: staged.letters, options });
    await writer.finish(staged.out);
    const rejected = Object.values(scored.rejections).reduce((sum, count) => sum + count, 0);
    return { objectives, rejected, ...scored };
  } finally {
    writer?.close();
    database.remove();
    files?.close();
  }
}

async function scoreAll(scene: Scene): Promise<Pick<Predicted, "predicted" | "rejections">> {
  const { opened, scorer, files, writer, options } = scene;
  const { onProgress = () => {}, signal, enrichFor } = options;
  const { config, inputs } = opened;
  const enrich = enrichmentOf(opened, enrichFor);
  const admitted = Object.entries(inputs.learnedVocabularies).map(
    ([table, { admittedMs }]) => [table, admittedMs] as const,
  );
  const builder = new BatchBuilder(opened.store, {
    spec: inputs.spec,
    historyLength: config.model.history,
    horizonMs: Number.MIN_SAFE_INTEGER,
    admittedMs: Object.fromEntries(admitted),
  });
  const coding = new GivenCoding(opened.store, config.model.history);
  const rejections: Record<string, number> = { ...files.rejections };
  let predicted = 0;
  for await (const chunk of files.chunks()) {
    for (const part of partsOf(chunk, config.model.training.globalBatchSize)) {
      signal?.throwIfAborted();
      const rows = ownRows(part, scene, rejections);
      if (rows.size === 0) continue;
      const { points, facts } = coding.examplesOf(rows);
      writer.append({ rows, ...scorer.score(enrich(builder.buildGiven(points, facts))) });
      predicted += rows.size;
      onProgress(predicted, files.numRows);
    }
  }
  return { predicted, rejections };
}

/** The rows of the surface that the run is for: of others it has learned nothing, and evaluation does not score them. */
function ownRows(
  rows: GivenRows,
  { opened: { surface }, letters }: Scene,
  rejections: Record<string, number>,
): GivenRows {
  if (surface === null) return rows;
  const surfaces = (rows.columns["surface"] ?? []) as readonly string[];
  const isOwn = surfaces.map((each) => each === surface);
  if (isOwn.every((each) => each)) return rows;
  const reason = `surface: not ${surface}, which the run is for`;
  const others = rows.files.flatMap((file, i) => {
    return isOwn[i] ? [] : [`${JSON.stringify({ file, line: rows.lines[i], reason, raw: "" })}\n`];
  });
  appendFileSync(letters, others.join(""));
  rejections[reason] = (rejections[reason] ?? 0) + others.length;
  return taken(rows, (i) => isOwn[i] === true);
}

/** Parts of at most `size` rows. */
function* partsOf(rows: GivenRows, size: number): Generator<GivenRows> {
  if (rows.size <= size) yield rows;
  else for (let from = 0; from < rows.size; from += size) yield taken(rows, (i) => i >= from && i < from + size);
}

function taken(rows: GivenRows, isTaken: (index: number) => boolean): GivenRows {
  const at = Array.from({ length: rows.size }, (_, i) => i).filter(isTaken);
  const of = <T>(values: ArrayLike<T>): T[] => at.map((i) => values[i]!);
  const columns = Object.entries(rows.columns).map(([name, values]) => [name, of<unknown>(values)] as const);
  return {
    size: at.length,
    files: of(rows.files),
    lines: of(rows.lines),
    events: rows.events && of(rows.events),
    users: of(rows.users),
    times: of(rows.times),
    columns: Object.fromEntries(columns) as GivenRows["columns"],
  };
}

function exists(file: string): LapidaryError {
  return new LapidaryError({
    code: "PREDICT_EXISTS",
    where: file,
    expected: "no such file yet",
    got: "one that is there",
    hint: "Choose another --out, or replace it with --force.",
  });
}
