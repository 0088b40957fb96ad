// Types only, and one import at run time: what the benchmarks load is not loaded by any other command.
import type { BenchReport } from "../../../bench/registry.ts";
import { LapidaryError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { integer, list, negatable, text } from "../option.ts";
import { formatBytes, formatNumber } from "../screen/progress-line.ts";
import { formatPairs, formatTable } from "../screen/table.ts";

/** `lapidary bench [NAME]`: the benchmarks, each beside its peer. */
export const bench = defineCommand({
  name: "bench",
  summary: "runs a benchmark beside its peer; without a name, lists them",
  description:
    "Runs a benchmark beside its peer, in alternation. Ratios are written so that more is better for us, as the " +
    "median of the pairs with the least and the largest. It reads no configuration, so it takes no --config and no --set.",
  args: [{ name: "NAME", description: "benchmark to run", required: false }],
  options: {
    cases: list("A,B", "runs only these cases (default: all)"),
    pairs: integer("N", "pairs of samples per case (default: the benchmark's own)", { minimum: 5, fallback: null }),
    python: text("PATH", "Python of the peer, with torch (default: /usr/bin/python3)"),
    peer: negatable("leaves the peer out: results then have no ratio"),
  },
  readsProject: false,
  example: "lapidary bench dispatch --cases add-2x2 --json",
  resume: "Run `lapidary bench` again; --cases chooses what is still missing.",
  run: async ({ args: [name], options: { cases, pairs, peer, python }, signal, say }) => {
    const { BENCHES, runBench } = await loadRegistry();
    if (name === undefined) {
      return { result: { benches: BENCHES }, text: formatPairs(Object.entries(BENCHES)) };
    }
    const onProgress = (message: string): void => {
      signal.throwIfAborted();
      say(`${name}: ${message}`);
    };
    const benchOptions = {
      ...(cases.length === 0 ? {} : { cases }),
      ...(pairs === null ? {} : { pairs }),
      ...(python === null ? {} : { python }),
    };
    try {
      const report = await runBench(name, { ...benchOptions, peer, onProgress });
      return { result: report, text: describe(report) };
    } catch (error) {
      // Ctrl-C reaches the peer too, and its end would be told as an error.
      signal.throwIfAborted();
      throw error;
    }
  },
});

/** The benchmarks lie beside `src/`, and a package may come without them. */
async function loadRegistry() {
  try {
    return await import("../../../bench/registry.ts");
  } catch (cause) {
    if (!(cause instanceof Error && cause.message.includes("bench/registry"))) throw cause;
    const hint = "Run it in a checkout of lapidary, after `npm run build`.";
    const where = "lapidary bench";
    throw new LapidaryError({ code: "BENCH_ABSENT", where, expected: "dist/bench", got: "none", hint }, { cause });
  }
}

function describe({ bench: name, results, machine, commit }: BenchReport): string {
  const rows = results.map(({ case: label, ours, peer, unit, ratio, ratioMin, ratioMax, ofLimit }) => [
    label,
    formatNumber(ours),
    peer === null ? "-" : formatNumber(peer),
    unit,
    ratio === undefined ? "-" : formatNumber(ratio),
    ratioMin === undefined || ratioMax === undefined ? "-" : `${formatNumber(ratioMin)} – ${formatNumber(ratioMax)}`,
    ofLimit === undefined ? "-" : `${Math.round(ofLimit * 100)} %`,
  ]);
  const header = ["case", "ours", "peer", "unit", "ratio", "spread", "of limit"];
  const table = formatTable(header, rows, ["left", "right", "right", "left", "right", "left", "right"]);
  const { cpu, cores, memoryBytes, instructionSet, torch, blas, node } = machine;
  const facts = formatPairs([
    ["machine", `${cpu}, ${cores} cores, ${instructionSet}, ${formatBytes(memoryBytes)}`],
    ["software", `libtorch ${torch}, BLAS ${blas === "" ? "of libtorch" : blas}, Node ${node}`],
    ["commit", commit],
  ]);
  return `${name}: ratios above 1 are in our favour\n\n${table}\n\n${facts}`;
}
