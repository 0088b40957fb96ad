import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../src/base/errors.ts";
import type { Ranked } from "../src/serve/index.ts";
import { allowedCpus, cpuSecondsOf, pinTo } from "./harness/cpu.ts";
import {
  alternate,
  type BenchOptions,
  type BenchResult,
  compare,
  MIN_PAIRS,
  median,
  type Samples,
  selected,
} from "./harness/harness.ts";
import { LoadGenerator, type LoadSummary } from "./serving/load-generator.ts";
import { type ServeInputs, writeInputs } from "./serving/serve-inputs.ts";
import { type ServingSide, startOurs, startPeer } from "./serving/serve-sides.ts";

/** At which latencies are measured: one that both sides hold with ease. @unit requests/s */
const RATE = 150;
/** Of one sample at {@link RATE}, so that 6 requests are beyond its 99th percentile. @unit s */
const SAMPLE_SECONDS = 4;
/** Before anything is measured: servers run for days, and compilers are done with them by then. */
const WARM_UP = { perSecond: 150, count: 3000 };
/** Capacity is the highest rate with a 99th percentile up to this. @unit ms */
const LIMIT_MS = 50;
/** Of one try of a rate, and how many halve what is not known of the capacity. */
const TRY = { seconds: 4, count: 7 } as const;
/** Neither side holds this. @unit requests/s */
const MAX_RATE = 1000;
/** A sample whose generator sent later than this, at the 99th percentile, is taken again. @unit ms */
const MAX_LAG_MS = 1;
const MAX_RETAKES = 1;
/** Rates that the generator is tried at, against a server that does nothing. @unit requests/s */
const GENERATOR_RATES = [500, 1000, 2000, 4000, 8000];
/** Requests whose answers are compared. */
const NUM_COMPARED = 25;
const MAX_RELATIVE_DIFFERENCE = 1e-5;

const CASES = [
  `p50-at-${RATE}`,
  `p99-at-${RATE}`,
  "requests-per-core",
  `capacity-at-p99-${LIMIT_MS}ms`,
  "generator-lag-p99",
  "samples-not-valid",
  "errors",
  "capacity-tries-not-valid",
  "generator-limit",
].map((name) => ({ name }));

/** One run, and the CPU time that the server took for it. */
interface Sample extends LoadSummary {
  /** Requests per second of the server's CPU time. @unit requests/s */
  readonly perCore: number;
  /** Whether the generator was at most {@link MAX_LAG_MS} late. */
  readonly isValid: boolean;
}

/** A constant rate, and for how long. */
interface Load {
  /** @unit requests/s */
  readonly perSecond: number;
  readonly seconds: number;
}

/** Everything that runs while a side is measured. */
interface Bench {
  readonly generator: LoadGenerator;
  readonly ours: ServingSide;
  readonly peer: ServingSide | null;
  readonly options: BenchOptions;
}

/**
 * Ranks 100 candidates per request over HTTP, as `lapidary serve` does with an LMDB store of past events, beside the
 * same weights in PyTorch behind Python's `http.server` with the past in its own memory. Load comes from a third
 * process, in an open loop: latencies count from when a request was due.
 *
 * Where there are two CPUs, each server has one to itself and the generator the last one: so the capacity, the highest
 * constant rate whose 99th percentile is within a limit, is that of one core. `requests-per-core` says the same without
 * a limit to search for: requests answered at the rate of the latencies, divided by the seconds of CPU time that all
 * threads of the server's process took meanwhile, `n / Δt_cpu`. The search is one per side, the two in alternation, and
 * has no spread.
 */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  const selectedNames = selected(CASES, options).map(({ name }) => name);
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  try {
    options.onProgress?.("making the model, the past and the requests");
    const inputs = await writeInputs(folder);
    await using ours = await startOurs(inputs);
    await using peer = options.peer === false ? null : await startPeer(inputs, options);
    if (peer !== null) await checkAnswers(inputs, ours, peer);
    await using generator = await LoadGenerator.start({ path: "/rank", bodies: inputs.bodies });
    const bench = { generator, ours, peer, options };
    placeOnCpus(bench);
    for (const side of [ours, peer]) if (side !== null) await generator.run({ port: side.port, ...WARM_UP });
    return await measure(bench, selectedNames);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(bench: Bench, selectedNames: readonly string[]): Promise<readonly BenchResult[]> {
  const { peer, options } = bench;
  const results: BenchResult[] = [];
  const names = CASES.map(({ name }) => name);
  const [p50 = "", p99 = "", perCore = "", capacity = "", lag = "", invalid = "", errors = ""] = names;
  const [invalidTries = "", limit = ""] = names.slice(7);
  if ([p50, p99, perCore, lag, invalid, errors].some((name) => selectedNames.includes(name))) {
    options.onProgress?.(`latencies at ${RATE} requests/s`);
    const load = { perSecond: RATE, seconds: SAMPLE_SECONDS };
    const theirs = peer === null ? null : () => sampleOf(bench, peer, load);
    const pairs = options.pairs ?? MIN_PAIRS;
    const samples = await alternate<Sample>(() => sampleOf(bench, bench.ours, load), theirs, { pairs });
    const ms = { unit: "ms", better: "less" } as const;
    results.push(
      compare(p50, valuesOf(samples, "p50"), ms),
      compare(p99, valuesOf(samples, "p99"), ms),
      compare(perCore, valuesOf(samples, "perCore"), { unit: "requests/s/core", better: "more" }),
      check(lag, samples, { unit: "ms", of: (side) => median(side.map(({ lagP99 }) => lagP99)) }),
      check(invalid, samples, { unit: "samples", of: (side) => side.filter(({ isValid }) => !isValid).length }),
      check(errors, samples, { unit: "requests", of: (side) => side.reduce((sum, sample) => sum + sample.errors, 0) }),
    );
  }
  if ([capacity, invalidTries].some((name) => selectedNames.includes(name))) {
    results.push(...(await searchCapacity(bench, [capacity, invalidTries])));
  }
  if (selectedNames.includes(limit)) results.push(await generatorLimit(bench, limit));
  return results.filter(({ case: name }) => selectedNames.includes(name));
}

function valuesOf({ ours, peer }: Samples<Sample>, key: "p50" | "p99" | "perCore"): Samples {
  return { ours: ours.map((sample) => sample[key]), peer: peer.map((sample) => sample[key]) };
}

/** What says whether the samples can be believed: no ratio, because neither side is better. */
function check(
  name: string,
  { ours, peer }: Samples<Sample>,
  { unit, of }: { readonly unit: string; readonly of: (side: readonly Sample[]) => number },
): BenchResult {
  return { case: name, ours: of(ours), peer: peer.length === 0 ? null : of(peer), unit };
}

/** A run at a constant rate; another one in its place if the generator was late, which something else caused. */
async function sampleOf({ generator, peer, options }: Bench, side: ServingSide, load: Load): Promise<Sample> {
  const { perSecond } = load;
  const count = Math.round(perSecond * load.seconds);
  for (let retakes = 0; ; retakes++) {
    const before = cpuSecondsOf(side.pid);
    const summary = await generator.run({ port: side.port, perSecond, count });
    const perCore = (count - summary.errors) / (cpuSecondsOf(side.pid) - before);
    const isValid = summary.lagP99 <= MAX_LAG_MS;
    const [p50, p99, max, lag] = [summary.p50, summary.p99, summary.max, summary.lagP99].map((ms) => ms.toFixed(2));
    options.onProgress?.(
      `${side === peer ? "peer" : "ours"}, ${perSecond}/s: p50 ${p50}, p99 ${p99}, max ${max} ms, ${summary.errors} errors, ` +
        `achieved ${summary.achieved.toFixed(1)}/s, ${summary.lateConnections} late connections, generator ${lag} ms late` +
        `${isValid ? "" : ": not valid"}`,
    );
    if (isValid || retakes === MAX_RETAKES) return { ...summary, perCore, isValid };
  }
}

/** Halves the range of rates until it is small, each side in turn. Names: of the capacity, and of tries not valid. */
async function searchCapacity(bench: Bench, [name, invalid]: readonly [string, string]): Promise<BenchResult[]> {
  const { ours, peer } = bench;
  const start = { holds: RATE, fails: MAX_RATE, numInvalid: 0 };
  const sides = [ours, ...(peer === null ? [] : [peer])].map((side) => ({ side, ...start }));
  for (let i = 0; i < TRY.count; i++) {
    for (const range of sides) {
      const perSecond = Math.round(Math.sqrt(range.holds * range.fails));
      const { p99, errors, isValid } = await sampleOf(bench, range.side, { perSecond, seconds: TRY.seconds });
      if (errors === 0 && p99 <= LIMIT_MS) range.holds = perSecond;
      else range.fails = perSecond;
      if (!isValid) range.numInvalid++;
    }
  }
  const [held = Number.NaN, theirs = null] = sides.map(({ holds }) => holds);
  const [ownInvalid = 0, theirInvalid = null] = sides.map(({ numInvalid }) => numInvalid);
  const capacity = { case: name, ours: held, peer: theirs, unit: "requests/s" };
  return [
    theirs === null ? capacity : { ...capacity, ratio: held / theirs },
    { case: invalid, ours: ownInvalid, peer: theirInvalid, unit: "tries" },
  ];
}

/** The highest rate that the generator itself holds, with a server in this process that does nothing. */
async function generatorLimit({ generator, options }: Bench, name: string): Promise<BenchResult> {
  const answer = Buffer.alloc(10_000, " ");
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "Content-Length": answer.length }).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  let limit = 0;
  const holds = async (perSecond: number): Promise<boolean> => {
    const { lagP99, errors, achieved } = await generator.run({ port, perSecond, count: 2 * perSecond });
    options.onProgress?.(`generator: ${lagP99.toFixed(2)} ms late at ${perSecond} requests/s to an empty server`);
    return errors === 0 && lagP99 <= MAX_LAG_MS && achieved > 0.98 * perSecond;
  };
  for (const perSecond of GENERATOR_RATES) {
    // Something else may be what kept it from its time once.
    if (!(await holds(perSecond)) && !(await holds(perSecond))) break;
    limit = perSecond;
  }
  server.closeAllConnections();
  server.close();
  return { case: name, ours: limit, peer: null, unit: "requests/s" };
}

function placeOnCpus({ generator, ours, peer, options }: Bench): void {
  const cpus = allowedCpus();
  const [first = 0] = cpus;
  const last = cpus.at(-1) ?? 0;
  if (cpus.length < 2) {
    options.onProgress?.("one CPU only: the generator and the servers share it");
    return;
  }
  for (const side of [ours, peer]) if (side !== null) pinTo(first, side.pid);
  pinTo(last, generator.pid);
  options.onProgress?.(`servers on CPU ${first}, generator on CPU ${last}`);
}

interface Answer {
  readonly numPast: number;
  readonly ranked: readonly Ranked[];
}

async function answerOf({ port }: ServingSide, body: string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/rank`, { method: "POST", body });
  return (await response.json()) as Answer;
}

/** @throws {LapidaryError} BENCH_MISMATCH at the first score that differs */
async function checkAnswers({ bodies }: ServeInputs, ours: ServingSide, peer: ServingSide): Promise<void> {
  const texts = readFileSync(bodies, "utf8").split("\n").slice(0, NUM_COMPARED);
  for (const [i, body] of texts.entries()) {
    const [answer, theirs] = await Promise.all([answerOf(ours, body), answerOf(peer, body)]);
    const [a, b] = [scoresOf(answer), scoresOf(theirs)];
    const at = a.findIndex((value, k) => !(Math.abs(value - (b[k] ?? Number.NaN)) <= MAX_RELATIVE_DIFFERENCE * value));
    if (at < 0 && a.length > 0 && answer.numPast === theirs.numPast) continue;
    throw new LapidaryError({
      code: "BENCH_MISMATCH",
      where: `serve, request ${i}`,
      expected: `scores within ${MAX_RELATIVE_DIFFERENCE} of each other, relatively`,
      got: at < 0 ? `${answer.numPast} past events here, ${theirs.numPast} there` : `${a[at]} here, ${b[at]} there`,
      hint: "Compare what both sides read of the request, input by input.",
    });
  }
}

/** Probabilities and expected values in the order of the candidates. */
function scoresOf({ ranked }: Answer): number[] {
  const byIndex = ranked.toSorted((a, b) => a.index - b.index);
  return byIndex.flatMap(({ probabilities, expectedValue }) => [...Object.values(probabilities), expectedValue]);
}
