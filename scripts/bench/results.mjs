// How the runs of benchmarks are kept: one file each, the newest whole run.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Options with which a benchmark is no whole one. */
const PARTIAL = ["--cases", "--no-peer"];

/** Names of benchmarks, and the options behind them. @throws {Error} for an option that leaves something out */
export function readArguments(words) {
  const first = words.findIndex((word) => word.startsWith("-"));
  const options = first < 0 ? [] : words.slice(first);
  const partial = options.find((option) => PARTIAL.some((name) => option === name || option.startsWith(`${name}=`)));
  if (partial !== undefined)
    throw new Error(`${partial}: only whole benchmarks are kept; see \`lapidary bench --help\``);
  return { names: first < 0 ? words : words.slice(0, first), options };
}

/** File of a run; one beside a Python that was chosen has a name of its own, by its torch. */
export function fileOf({ bench, peer }, options) {
  const isChosen = options.some((option) => option === "--python" || option.startsWith("--python="));
  return isChosen && peer?.torch !== undefined ? `${bench}.torch-${peer.torch.split("+")[0]}.json` : `${bench}.json`;
}

/** Keeps a run in place of the one before, one case per line so that differences can be read; returns its path. */
export function keepRun(report, folder, options) {
  const { results, ...facts } = report;
  const lines = results.map((result) => `    ${JSON.stringify(result)}`).join(",\n");
  const head = JSON.stringify(facts, null, 2).replace(/\n\}$/, "");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, fileOf(report, options));
  writeFileSync(path, `${head},\n  "results": [\n${lines}\n  ]\n}\n`);
  return path;
}
