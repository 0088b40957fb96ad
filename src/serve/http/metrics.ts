import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ModelRepository } from "../models/model-repository.ts";
import { WARNING_CODES, type Warning } from "../ranker/warnings.ts";
import type { AppendCounts } from "../store/online-store.ts";
import type { TypedAnswer } from "./answer.ts";

/** Upper bounds of the latency's buckets. @unit s */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** How a request ended: the template of its route's path, which bounds the number of series, and its status. */
export interface EndedRequest {
  readonly route: string;
  readonly status: number;
}

let processMetrics: Registry | null = null;

/** What the process does is told once per process: its observers cannot be taken back. */
function processRegistry(): Registry {
  if (processMetrics === null) {
    processMetrics = new Registry();
    const { user, system } = process.cpuUsage();
    collectDefaultMetrics({ register: processMetrics });
    // Which counts from now on; totals are those since the process began.
    for (const [name, us] of [
      ["user_", user],
      ["system_", system],
      ["", user + system],
    ] as const) {
      const total = processMetrics.getSingleMetric(`process_cpu_${name}seconds_total`);
      if (total instanceof Counter) total.inc(us / 1e6);
    }
  }
  return processMetrics;
}

/** What a server counts, in the text format of Prometheus. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"route" | "status">;
  readonly #seconds: Histogram<"route">;
  readonly #inFlight: Gauge;
  readonly #events: Counter<"kind">;
  readonly #candidates: Counter<"model" | "api">;
  readonly #warnings: Counter<"model" | "code">;
  readonly #refusals: Counter;

  /** Of a server of these models. */
  constructor(models: ModelRepository) {
    // Before the first request, so that none is missed by what observes from its creation on.
    processRegistry();
    const registers = [this.#registry];
    const named = (name: string, help: string) => ({ name: `lapidary_${name}`, help, registers });
    const http = (name: string, help: string) => named(`http_${name}`, help);
    const requests = http("requests_total", "Requests that ended.");
    this.#requests = new Counter({ ...requests, labelNames: ["route", "status"] });
    const seconds = http("request_duration_seconds", "Time from a request's head to the end of its answer.");
    this.#seconds = new Histogram({ ...seconds, labelNames: ["route"], buckets: BUCKETS });
    this.#inFlight = new Gauge(http("requests_in_flight", "Requests that began and have not ended."));
    this.#events = new Counter({ ...named("events_total", "Reported events, new or known."), labelNames: ["kind"] });
    const candidates = named("candidates_total", "Candidates that were scored.");
    this.#candidates = new Counter({ ...candidates, labelNames: ["model", "api"] });
    this.#warnings = new Counter({
      ...named("warnings_total", "Warnings of rankings."),
      labelNames: ["model", "code"],
      collect() {
        for (const { current } of models.hosts) {
          for (const code of Object.keys(WARNING_CODES)) this.inc({ model: current.name, code }, 0);
        }
      },
    });
    this.#refusals = new Counter(named("overload_refusals_total", "Requests refused because too many were waiting."));
    observeModels(models, named);
  }

  /** Counts a request that begins; what it gives back is called once, when the request has ended. */
  begin(): (ended: EndedRequest) => void {
    const startMs = performance.now();
    this.#inFlight.inc();
    return ({ route, status }) => {
      this.#inFlight.dec();
      this.#requests.inc({ route, status: `${status}` });
      this.#seconds.observe({ route }, (performance.now() - startMs) / 1000);
    };
  }

  /** Counts reported events. */
  countEvents({ added, known }: AppendCounts): void {
    this.#events.inc({ kind: "added" }, added);
    this.#events.inc({ kind: "known" }, known);
  }

  /** Counts candidates that a model scored. */
  countCandidates(by: { readonly model: string; readonly api: "rank" | "infer" }, count: number): void {
    this.#candidates.inc(by, count);
  }

  /** Counts the warnings of a model's ranking. */
  countWarnings(model: string, warnings: readonly Warning[]): void {
    for (const { code } of warnings) this.#warnings.inc({ model, code });
  }

  /** Counts a request that was refused because too many were waiting. */
  countRefusal(): void {
    this.#refusals.inc();
  }

  /** All numbers as of now, and their media type. */
  async render(): Promise<TypedAnswer> {
    const parts = await Promise.all([this.#registry.metrics(), processRegistry().metrics()]);
    return { type: this.#registry.contentType, body: parts.join("") };
  }
}

/** What is read of the models when somebody asks. */
function observeModels(
  models: ModelRepository,
  named: (
    name: string,
    help: string,
  ) => { readonly name: string; readonly help: string; readonly registers: Registry[] },
): void {
  new Gauge({
    ...named("queue_length", "Requests that wait for a thread of the model."),
    labelNames: ["model"],
    collect() {
      this.reset();
      for (const { current } of models.hosts) this.set({ model: current.name }, current.numQueued);
    },
  });
  new Gauge({
    ...named("model_info", "1 for the version of each model that serves."),
    labelNames: ["model", "version"],
    collect() {
      this.reset();
      for (const { current } of models.hosts) this.set({ model: current.name, version: current.version }, 1);
    },
  });
  new Counter({
    ...named("model_swaps_total", "Replacements of the model."),
    labelNames: ["model"],
    collect() {
      this.reset();
      for (const { current, numSwaps } of models.hosts) this.inc({ model: current.name }, numSwaps);
    },
  });
}
