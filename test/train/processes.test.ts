import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelConfig } from "../../src/config/model/model.ts";
import type { ProjectConfig } from "../../src/config/project.ts";
import { EventStore } from "../../src/data/index.ts";
import { evaluateRuns } from "../../src/evaluate/index.ts";
import { fromRows } from "../../src/ops/tables/generated.ts";
import { readSafetensors } from "../../src/torch/files/safetensors.ts";
import { Scope } from "../../src/torch/index.ts";
import type { TrainingOutcome } from "../../src/train/index.ts";
import { endWorlds, type Member, startWorld, untilLine } from "../distributed/world.ts";
import {
  inputsOf,
  makeStore,
  resultOf,
  temporaryFolder,
  tensorsFile,
  timesOf,
  trainAlone,
  trainingIn,
} from "./project.ts";
import type { LearnerTask, WorkerTask } from "./worker-task.ts";

const program = new URL("./train-worker.js", import.meta.url);
const LEARNER = new URL("./learner-worker.js", import.meta.url);

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  const whole = await makeStore(folder.path);
  // The last batch of the validation has one example: some processes have none of it.
  const split = { ...timesOf(whole), validationUntilMs: timeOfExample(whole, 36 + 1) };
  project = { ...trainingIn(folder.path, { epochs: 1 }), split };
});
afterAll(() => {
  endWorlds();
  folder[Symbol.dispose]();
});

const at = (run: string): string => join(project.runs, run);

/** Time of the event in the validation window that has so many before it. */
function timeOfExample(whole: ProjectConfig, before: number): number {
  const { trainUntilMs } = timesOf(whole);
  const opened = EventStore.open(whole.store);
  const times = Array.from({ length: opened.numEvents }, (_, row) => opened.timeOf(row));
  opened.close();
  return times.filter((ms) => ms >= trainUntilMs).sort((a, b) => a - b)[before] ?? Number.NaN;
}

function trainTogether(size: number, task: Omit<WorkerTask, "project">): Promise<Member[]> {
  return startWorld({ size, program, args: [JSON.stringify({ ...task, project })] });
}

/** Exit code and last line of every process. */
function endsOf(members: readonly Member[]): Promise<{ readonly code: number | null; readonly last: unknown }[]> {
  return Promise.all(
    members.map(async ({ ended, lines }) => ({ code: await ended, last: JSON.parse(lines.at(-1) ?? "null") })),
  );
}

async function summaryOf(size: number, task: Omit<WorkerTask, "project">) {
  const ends = await endsOf(await trainTogether(size, task));
  expect(ends.map(({ code }) => code)).toEqual(new Array(size).fill(0));
  const [summary, ...others] = ends.map(({ last }) => {
    const { trainSeconds, utilization, ...rest } = (last as Extract<TrainingOutcome, { kind: "finished" }>).summary;
    const zeros = { forwardFlopsPerExample: 0, trainingFlopsPerExample: 0, activationBytesPerExample: 0 };
    return { ...rest, ...zeros, gatheredBytesPerExample: 0, costByPart: {} };
  });
  // All processes tell the same; only the work of their own examples may differ.
  expect(others).toEqual(others.map(() => summary));
  return summary;
}

/** Largest difference of an element of the tensors of two files. */
function difference(file: string, other: string, isCompared: (name: string) => boolean = () => true): number {
  using _ = new Scope();
  const [mine, theirs] = [readSafetensors(file).tensors, readSafetensors(other).tensors];
  expect(Object.keys(mine)).toEqual(Object.keys(theirs));
  const names = Object.keys(mine).filter(isCompared);
  expect(names.length).toBeGreaterThan(5);
  const all = names.map((name) => {
    const [a, b] = [mine[name]?.toNumbers() ?? [], theirs[name]?.toNumbers() ?? []];
    return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));
  });
  return Math.max(...all);
}

/** A constant before a softmax changes nothing: its gradient is rounding alone, and AdamW makes that a whole update. */
const WITHOUT_EFFECT = "model.pooling.relevance.layers.1.bias";

describe("the parts of a batch", () => {
  it("have different numbers of known labels, and rows in common", async () => {
    const inputs = inputsOf(project, project.models["previous"] as ModelConfig);
    const parts = [];
    for (const rank of [0, 1]) {
      for await (const batch of await inputs.trainingBatches({ epoch: 0, start: 0, mesh: { rank, size: 2 } })) {
        const known = batch.labelMask.reduce((sum, mask) => sum + mask, 0);
        parts.push({ known, codes: new Set(batch.candidate["category"]), all: batch.labelMask.length });
        break;
      }
    }
    const [first, second] = parts;
    expect(first?.known).not.toBe(second?.known);
    expect(first?.known).toBeLessThan(first?.all ?? 0);
    expect([...(first?.codes ?? [])].filter((code) => second?.codes.has(code)).length).toBeGreaterThan(1);
  });
});

// The foundation model normalizes rows of tables and histories, which makes their gradients, and rounding with them, far
// larger.
describe.each([
  { model: "previous", digits: 4 },
  { model: "foundation", digits: 1 },
])("the $model model", ({ model, digits }) => {
  beforeAll(async () => {
    await trainAlone(project, { model, run: `${model}-1` });
  });

  // Sharp: rounding stays where it is, so that any other difference is a mistake. Rows are wide enough that dropout leaves
  // something of each: what normalizes a row of zeros makes rounding of its gradient larger by 10⁶.
  it.each([
    { dropout: 0, sizes: [1, 2, 3] },
    { dropout: 0.3, sizes: [1, 2] },
  ])("learns the same in float64 in $sizes processes with a dropout of $dropout", async ({ dropout, sizes }) => {
    const dropping = trainingIn(folder.path, {
      ...{ epochs: 1, embeddingDropout: dropout, mlpDropout: dropout, attentionDropout: dropout },
      tableL2: dropout / 100,
    });
    const wide = {
      ...dropping,
      models: { ...dropping.models, [model]: { ...dropping.models[model], dim: 8 } as ModelConfig },
    };
    const files = sizes.map((size) => join(folder.path, `${model}-${dropout}-${size}.safetensors`));
    for (const [i, file] of files.entries()) {
      const args = [JSON.stringify({ project: { ...wide, split: project.split }, model, file } satisfies LearnerTask)];
      const members = await startWorld({ size: i + 1, program: LEARNER, args });
      expect(await Promise.all(members.map(({ ended }) => ended))).toEqual(members.map(() => 0));
    }
    const [alone = "", ...others] = files;
    for (const file of others) expect(difference(file, alone)).toBeLessThan(1e-9);
  });

  it.each([2, 3])("learns the same in %i processes as in one", async (size) => {
    const run = `${model}-${size}`;
    const summary = await summaryOf(size, { model, run });
    const fileOf = (name: string): string => tensorsFile(at(name), "step-00000012");
    const isCompared = (name: string): boolean => name.startsWith("model.") && name !== WITHOUT_EFFECT;
    // Sums are in another order than one process has them, and AdamW divides a gradient by its own size: where it is near
    // zero, rounding shows. Float64 is sharp.
    expect(difference(fileOf(run), fileOf(`${model}-1`), isCompared)).toBeLessThan(10 ** -digits);
    const [mine, alone] = [resultOf(at(run)).curve, resultOf(at(`${model}-1`)).curve];
    expect(mine.map(({ step }) => step)).toEqual(alone.map(({ step }) => step));
    for (const [i, record] of mine.entries()) {
      for (const [name, value] of Object.entries(record)) expect(value).toBeCloseTo(Number(alone[i]?.[name]), digits);
    }
    // One process scores what several have scored together.
    const { runs } = await evaluateRuns(project, { runs: [run], split: "validation" });
    const objectives = Object.values(runs[0]?.objectives ?? {}).map(({ overall }) => overall);
    expect(objectives.map(({ examples }) => examples)).toEqual([37, 37]);
    const entropy = objectives.reduce((sum, { normalizedEntropy }) => sum + (normalizedEntropy ?? Number.NaN) / 2, 0);
    expect(summary?.best?.normalizedEntropy).toBeCloseTo(entropy, 6);
  });
});

describe("narrow rows", () => {
  it.each(["bfloat16", "float16", "int8"] as const)("of %s are the same bytes in all processes", async (tableRows) => {
    const model = { ...(project.models["previous"] as ModelConfig), tableRows };
    const narrow = { ...project, models: { ...project.models, previous: model } };
    const fileOf = (size: number): string => join(folder.path, `${tableRows}-${size}.safetensors`);
    for (const size of [1, 2]) {
      const args = [JSON.stringify({ project: narrow, model: "previous", file: fileOf(size) } satisfies LearnerTask)];
      const members = await startWorld({ size, program: LEARNER, args });
      expect(await Promise.all(members.map(({ ended }) => ended))).toEqual(members.map(() => 0));
    }
    expect(readFileSync(`${fileOf(2)}.1`).equals(readFileSync(fileOf(2)))).toBe(true);
    // Sums in another order may be rounded to the other neighbour, and what is learned then differs a little.
    const [alone = [], together = []] = [1, 2].map((size) => rowsIn(fileOf(size)));
    expect(alone.length).toBeGreaterThan(1000);
    const distances = alone.map((value, i) => Math.abs(value - (together[i] ?? Number.NaN)));
    const scale = alone.reduce((sum, value) => sum + Math.abs(value), 0);
    expect(distances.reduce((sum, distance) => sum + distance, 0) / scale).toBeLessThan(0.02);
  });
});

/** Values of the rows of all tables in a file. */
function rowsIn(file: string): number[] {
  using _ = new Scope();
  const tables = Object.entries(readSafetensors(file).tensors).filter(([name]) => name.includes(".tables."));
  return tables.flatMap(([name, tensor]) => (name.startsWith("model.") ? fromRows(tensor).toNumbers() : []));
}

describe("a process that is killed", () => {
  it("ends the others, and both go on from their checkpoint to the same result", async () => {
    const task = { model: "previous", run: "killed", say: [7] };
    const members = await trainTogether(2, task);
    const victim = members[1];
    if (victim === undefined) throw new Error("no second process");
    await untilLine(victim, "update 7");
    victim.child.kill("SIGKILL");
    // A collective may take an hour: whoever ends was told that its peer is gone.
    const [survivor] = await endsOf(members.slice(0, 1));
    expect(survivor).toEqual({ code: 1, last: { error: "COLLECTIVE_FAILED" } });
    const summary = await summaryOf(2, task);
    expect(summary).toMatchObject({ steps: 12, kind: "previous" });
    expect(resultOf(at("killed"))).toEqual(resultOf(at("previous-2")));
  });
});
