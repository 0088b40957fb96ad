import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const WORKER = fileURLToPath(new URL("./leak-worker.js", import.meta.url));
/** What a heap may grow by without a leak. */
const SLACK_BYTES = 5 * 2 ** 20;
/** V8 doubles its young generation whenever many objects outlive a collection; here it may not. @unit MB */
const FIXED_HEAP = ["--min-semi-space-size=1", "--max-semi-space-size=1"];
/** Code that is optimized long after the start is memory too: of Node 24 some megabytes. */
const UNOPTIMIZED = ["--no-opt", "--no-maglev"];

interface Sample {
  readonly tensors: number;
  readonly residentBytes: number;
}

/** What grew, after a fifth of the updates had warmed everything up. */
async function growthOf(...args: readonly number[]) {
  const flags = ["--expose-gc", ...FIXED_HEAP, ...UNOPTIMIZED];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, WORKER, ...args.map(String)]);
  const [warm, end, ...rest] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Sample);
  if (warm === undefined || end === undefined || rest.length > 0) throw new Error(`not two samples: ${stdout}`);
  return { tensors: end.tensors - warm.tensors, isLarger: end.residentBytes - warm.residentBytes > SLACK_BYTES };
}

it("10,000 updates leave no tensor and no memory behind", async () => {
  expect(await growthOf(10_000)).toEqual({ tensors: 0, isLarger: false });
});

it("the same check finds a tensor that is kept from every update, and its memory", async () => {
  expect(await growthOf(1500, 2000)).toEqual({ tensors: 1200, isLarger: true });
});
