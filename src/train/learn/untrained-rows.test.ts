import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  inputsOf,
  makeStore,
  projectIn,
  temporaryFolder,
  tensorsFile,
  trainAlone,
} from "../../../test/train/project.ts";
import type { ModelConfig } from "../../config/model/model.ts";
import { ProcessMesh } from "../../distributed/index.ts";
import type { CategoryFeature, CodeColumns } from "../../features/spec.ts";
import { fillNormal, storedRows } from "../../ops/tables/row-formats.ts";
import { readSafetensors } from "../../torch/files/safetensors.ts";
import { fromArray, RandomGenerator, Scope, type Tensor, tensor, zeros } from "../../torch/index.ts";
import type { TrainingInputs } from "../inputs.ts";
import { shareUntrainedRows } from "./untrained-rows.ts";

const MODEL = "previous";
/** A large batch leaves much out: what does not fill one. */
const TRAINING = { globalBatchSize: 180, epochs: 1, threads: 1 } as const;

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
});
afterAll(() => folder[Symbol.dispose]());

/** Rows of each table that some training batch reads: what could have learned anything. */
async function rowsRead(inputs: TrainingInputs): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
  const read = new Map<string, Set<number>>();
  const add = (features: readonly CategoryFeature[], columns: CodeColumns): void => {
    for (const { name, table } of features) {
      const rows = read.get(table) ?? new Set<number>();
      for (const code of columns[name] ?? []) rows.add(code);
      read.set(table, rows);
    }
  };
  const { contextual, candidate, history } = inputs.spec;
  for await (const batch of await inputs.trainingBatches({ epoch: 0, start: 0, mesh: ProcessMesh.single() })) {
    add(contextual, batch.contextual);
    add(candidate, batch.candidate);
    add(history, batch.history.codes);
  }
  return read;
}

/** The rows of a table as text. */
function rowsOf(table: Tensor): readonly string[] {
  const [rows = 0, dim = 0] = table.shape;
  const numbers = table.toNumbers();
  return Array.from({ length: rows }, (_, r) => numbers.slice(r * dim, (r + 1) * dim).join());
}

describe("a run", () => {
  it.each(["all", "ad"] as const)(
    "that learns from %s keeps no row that nothing was learned into",
    async (examples) => {
      const training = { ...TRAINING, examples };
      const project = projectIn(folder.path, { training });
      const config = project.models[MODEL] as ModelConfig;
      const run = `examples-${examples}`;
      expect(await trainAlone(project, { model: MODEL, run })).toMatchObject({ kind: "finished" });
      using _ = new Scope();
      const { tensors } = readSafetensors(tensorsFile(join(project.runs, run), "best"));
      const inputs = inputsOf(project, config);
      let untrained = 0;
      for (const [table, read] of await rowsRead(inputs)) {
        const rows = rowsOf(tensors[`model.embeddings.tables.${table}`]!);
        const trained = rows.filter((_, r) => r > 0 && read.has(r));
        expect(trained.every((row) => row !== rows[0])).toBe(true);
        // Where nothing is ever missing, as of weekdays, row 0 has learned nothing to share.
        if (!read.has(0)) continue;
        const others = rows.filter((_, r) => !read.has(r));
        expect(others, table).toEqual(others.map(() => rows[0]));
        if (inputs.vocabularies[table] !== undefined) untrained += others.length;
      }
      expect(untrained).toBeGreaterThan(0);
    },
  );
});

describe("rows that no update has reached", () => {
  const table = () => tensor([1, 2, 3, 4, 5, 6], [3, 2]);

  it("are row 0's, those of other rows stay", () => {
    const values = table();
    shareUntrainedRows([{ tensor: values, moments: tensor([0.5, 0, 1e-30]) }]);
    expect(values.toNumbers()).toEqual([1, 2, 1, 2, 5, 6]);
  });

  it("stay where row 0 has learned nothing either", () => {
    const values = table();
    shareUntrainedRows([{ tensor: values, moments: tensor([0, 0, 1]) }]);
    expect(values.toNumbers()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("are found beyond the first block of a long table", () => {
    const rows = 200_000;
    const values = fromArray(
      Float32Array.from({ length: rows }, (_, r) => r),
      [rows, 1],
    );
    const moments = fromArray(
      Float32Array.from({ length: rows }, (_, r) => (r % 3 === 1 ? 0 : 1)),
      [rows],
    );
    shareUntrainedRows([{ tensor: values, moments }]);
    const wrong = values.toNumbers().findIndex((value, r) => value !== (r % 3 === 1 ? 0 : r));
    expect(wrong).toBe(-1);
  });

  it.each(["float16", "bfloat16", "int8"] as const)("are the same bytes of rows of %s", (format) => {
    const { dtype, width } = storedRows({ dim: 4, format });
    const values = zeros([3, width], { dtype });
    fillNormal(values, { dim: 4, std: 1, generator: RandomGenerator.seeded(1) });
    const before = [0, 2].map((r) => bytesOf(values, r));
    shareUntrainedRows([{ tensor: values, moments: tensor([1, 0, 1]) }]);
    expect([0, 1, 2].map((r) => bytesOf(values, r))).toEqual([before[0], before[0], before[1]]);
  });
});

function bytesOf(values: Tensor, row: number): readonly number[] {
  const { buffer, byteOffset, byteLength } = values.view();
  const width = byteLength / 3;
  return Array.from(new Uint8Array(buffer, byteOffset + row * width, width));
}
