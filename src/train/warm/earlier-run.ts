/** A warm start: a run that begins with what an earlier one has learned, and learns from the days since. */
import { LapidaryError } from "../../base/errors.ts";
import type { ProjectConfig } from "../../config/project.ts";
import { type EventStore, type EventWindow, timeSplitOf, windowOf } from "../../data/index.ts";
import type { Vocabulary } from "../../features/vocabulary.ts";
import { fromArray, noGrad, Scope, type Tensor } from "../../torch/index.ts";
import type { FitWindows } from "../fit-windows.ts";
import { readFacts, readVocabularies } from "../inputs.ts";
import type { Learner } from "../learner.ts";
import type { WarmStart } from "../run/run-config.ts";
import { RunFolder } from "../run/run-folder.ts";
import { runPath } from "../run/run-path.ts";
import type { EarlierInputs } from "./earlier-inputs.ts";
import type { LearnedLabels } from "./late-labels.ts";
import { readRowIds } from "./row-ids.ts";

/** A finished run that another one goes on from. */
export class EarlierRun {
  /** What the new run is recorded with. */
  readonly start: WarmStart;
  readonly #folder: RunFolder;

  private constructor(start: WarmStart, folder: RunFolder) {
    this.start = start;
    this.#folder = folder;
  }

  /** @throws {LapidaryError} RUN_UNFINISHED, CHECKPOINT_DAMAGED, TRAIN_FROM if there is no day since its end */
  static open(project: ProjectConfig, run: string): EarlierRun {
    const { folder } = RunFolder.finished(runPath(project, run));
    const { trainUntilMs: untilMs } = timeSplitOf(folder.config.split, "a warm start");
    const { trainUntilMs } = timeSplitOf(project.split, "a warm start");
    if (untilMs < trainUntilMs)
      return new EarlierRun({ run, checkpoint: folder.checkpoints.bestDigest(), untilMs }, folder);
    const at = (ms: number): string => new Date(ms).toISOString();
    throw new LapidaryError({
      code: "TRAIN_FROM",
      where: run,
      expected: `a training window that ends after that of the run, ${at(untilMs)}`,
      got: `one that ends at ${at(trainUntilMs)}`,
      hint: "Move `split.trainUntil` to where the new days end.",
    });
  }

  /** The days since, and before them those some of whose labels were not known yet; ids are counted over the whole window. */
  windows({ split, events }: Pick<ProjectConfig, "split" | "events">): FitWindows {
    const vocabulary = windowOf(split, "train");
    const objectives = Object.values(events.outcomes).filter(({ objective }) => objective);
    const longestMs = Math.max(0, ...objectives.map(({ delayMs }) => delayMs));
    const since: EventWindow = { ...vocabulary, fromMs: this.start.untilMs - longestMs };
    return { examples: since, facts: since, vocabulary };
  }

  /** The labels that it has learned, of these objectives. */
  learned({ events }: Pick<ProjectConfig, "events">, objectives: readonly string[]): LearnedLabels {
    return {
      untilMs: this.start.untilMs,
      delaysMs: objectives.map((name) => events.outcomes[name]?.delayMs ?? 0),
    };
  }

  /** Finds the ids of its rows in a store. @throws {LapidaryError} TRAIN_FROM if a table's ids are others than the store's */
  inputs(store: EventStore): EarlierInputs {
    const { inputs } = this.#folder;
    const codes = Object.entries(readVocabularies(inputs)).map(([table, vocabulary]) => {
      return [table, this.#codesOf(table, vocabulary, store)] as const;
    });
    return { spec: readFacts(inputs).spec, codes: Object.fromEntries(codes) };
  }

  /**
   * Puts what it has learned into a learner: parameters, rows by their ids, and what the optimizers remember. Rows of new
   * ids begin as row 0, as which they were read until now.
   *
   * @returns updates that were made so far
   * @throws {LapidaryError} CHECKPOINT_MISMATCH if the model has other shapes
   */
  restore(learner: Learner, { codes }: EarlierInputs, vocabularies: Readonly<Record<string, Vocabulary>>): number {
    using _scope = new Scope();
    const { tensors, step } = this.#folder.checkpoints.readBest();
    const saved = new Map(Object.entries(tensors));
    for (const { name } of learner.tables) {
      const table = /(?:^|\.)tables\.([^.]+)$/.exec(name)?.[1] ?? "";
      const [known, vocabulary] = [codes[table], vocabularies[table]];
      const moments = `optimizer.${name.replace(/^model\./, "")}.moments`;
      const [rows, remembered] = [saved.get(name), saved.get(moments)];
      if (!known || !vocabulary || !rows || !remembered) continue;
      const source = sourcesOf(known, vocabulary);
      saved.set(name, takeRows(rows, source));
      saved.set(moments, takeMoments(remembered, source));
    }
    const hint = "Train it with the kind, size and inputs of the run that it goes on from, or without --from.";
    learner.restore(saved, { step, where: this.#folder.path, hint });
    return step;
  }

  /** @shape → [rows of the earlier run] */
  #codesOf(table: string, vocabulary: Vocabulary, store: EventStore): Int32Array {
    const codes = this.#hasEqualCodes(table, vocabulary, store)
      ? codesOfRows(vocabulary)
      : this.#codesByIds(table, vocabulary, store);
    const isFound = codes.length === 1 || codes.some((code) => code > 0);
    if (!isFound) throw this.#otherIds(table, "none of them");
    return codes;
  }

  /** In the same store, and where a code is a hash of the id. */
  #hasEqualCodes(table: string, { rows }: Vocabulary, store: EventStore): boolean {
    if (this.#folder.config.events === store.fingerprint) return true;
    const areHashed = readRowIds(this.#folder.inputs, table) === null && store.dictionary(table) === null;
    return areHashed && store.cardinalities()[table] === rows.length;
  }

  #codesByIds(table: string, { cardinality }: Vocabulary, store: EventStore): Int32Array {
    const [ids, dictionary] = [readRowIds(this.#folder.inputs, table), store.dictionary(table)];
    if (ids === null) throw this.#otherIds(table, "a run that kept none, or hashed them");
    if (dictionary === null) throw this.#otherIds(table, "hashes");
    return Int32Array.from({ length: cardinality }, (_, row) => dictionary.code(ids.id(row)));
  }

  #otherIds(table: string, got: string): LapidaryError {
    return new LapidaryError({
      code: "TRAIN_FROM",
      where: `${this.start.run}, ${table}`,
      expected: "ids of the run among those of the events",
      got,
      hint: "Ingest the log that the run was trained on with its new days, or train without --from.",
    });
  }
}

/** @shape → [rows] */
function codesOfRows({ rows, cardinality }: Vocabulary): Int32Array {
  const codes = new Int32Array(cardinality);
  for (const [code, row] of rows.entries()) if (row > 0) codes[row] = code;
  return codes;
}

/** Which row of the earlier run each new row begins as. @shape → [rows] */
function sourcesOf(codes: Int32Array, vocabulary: Vocabulary): BigInt64Array {
  const source = new BigInt64Array(vocabulary.cardinality);
  for (const [row, code] of codes.entries()) if (code > 0) source[vocabulary.row(code)] = BigInt(row);
  source[0] = 0n;
  return source;
}

/** @shape rows [V, …] → [rows, …] */
function takeRows(rows: Tensor, source: BigInt64Array): Tensor {
  return noGrad(() => rows.indexSelect(0, fromArray(source, [source.length])));
}

/** Those of rows that begin as row 0 are 0: nothing was learned into them. @shape moments [V] → [rows] */
function takeMoments(moments: Tensor, source: BigInt64Array): Tensor {
  const isOld = fromArray(
    Float64Array.from(source, (row, i) => (row > 0n || i === 0 ? 1 : 0)),
    [source.length],
  );
  return noGrad(() => takeRows(moments, source).mul(isOld.to({ dtype: moments.dtype })));
}
