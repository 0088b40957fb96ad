import { packageVersion } from "../../base/version.ts";
import type { ModelHost } from "../ranker/model-host.ts";
import { rank } from "../ranker/rank.ts";
import type { ServedModel } from "../ranker/served-model.ts";
import { warningsOf } from "../ranker/warnings.ts";
import type { OnlineStore } from "../store/online-store.ts";
import { type Answer, json } from "./answer.ts";
import { asksForBinary, withBinaryTensors } from "./binary-tensors.ts";
import { parseFacts, parseJson } from "./body.ts";
import { binaryAnswer, inferAnswer, parseInfer } from "./infer.ts";
import type { ServerMetrics } from "./metrics.ts";
import { checkIndexBody, modelMetadata, repositoryIndex, serverMetadata } from "./open-inference.ts";
import { openApiDocument } from "./openapi.ts";
import { type ApiFacts, apiFacts, parseEvents, parseRank, wrong } from "./parse.ts";
import type { RouteName } from "./routes.ts";

/** One request, as far as a handler reads it. */
export interface Call {
  readonly params: Readonly<Record<string, string>>;
  /** Length of the JSON of its body, before tensors in binary; null if all of it is JSON. */
  readonly jsonLength: string | null;
  /** Its body. @throws {LapidaryError} SERVE_LIMIT, SERVE_REQUEST */
  readonly body: () => Promise<Uint8Array>;
}

/** What answers the requests of one route. */
export type Handler = (call: Call) => Promise<Answer>;

/** What the handlers of a server work with. */
export interface HandlerOptions {
  readonly host: ModelHost;
  readonly store: OnlineStore;
  readonly metrics: ServerMetrics;
  /** Whether new requests are taken. */
  readonly isReady: () => boolean;
}

/** What answers each route. */
export function handlersOf(options: HandlerOptions): Readonly<Record<RouteName, Handler>> {
  const { host, isReady } = options;
  const whenReady = (body: object): Answer => json(body, isReady() ? 200 : 503);
  const model: Handler = async ({ params }) => json(modelMetadata(requested(host.current, params)));
  const modelReady: Handler = async ({ params }) =>
    whenReady({ name: requested(host.current, params).manifest.model.name, ready: isReady() });
  const infer: Handler = (call) => answerInfer(call, options);
  return {
    rank: (call) => answerRank(call, options),
    events: (call) => answerEvents(call, options),
    health: () => answerHealth(options),
    metrics: async () => ({ status: 200, ...(await options.metrics.render()) }),
    openApi: async () => json(openApiDocument(host.current.manifest, host.current.version)),
    server: async () => json(serverMetadata(packageVersion())),
    live: async () => json({ live: true }),
    ready: async () => whenReady({ ready: isReady() }),
    model,
    modelVersion: model,
    modelReady,
    modelVersionReady: modelReady,
    infer,
    inferVersion: infer,
    repositoryIndex: async ({ body }) => {
      checkIndexBody(await body());
      return json(repositoryIndex(host.current));
    },
    repositoryLoad: (call) => answerLoad(call, options),
  };
}

/** @throws {LapidaryError} SERVE_NOT_FOUND if the model or the version that a path names is not the one that serves */
function requested(model: ServedModel, { name, version = model.version }: Call["params"]): ServedModel {
  const own = model.manifest.model.name;
  if (name !== own) throw wrong("path", `the model ${own}`, name, "SERVE_NOT_FOUND");
  if (version !== model.version) throw wrong("path", `version ${model.version} of ${own}`, version, "SERVE_NOT_FOUND");
  return model;
}

/** {@link apiFacts} of each model, found once. */
const API_FACTS = new WeakMap<ServedModel, ApiFacts>();

function factsOf(model: ServedModel): ApiFacts {
  const known = API_FACTS.get(model) ?? apiFacts(model.manifest);
  API_FACTS.set(model, known);
  return known;
}

function statusOf({ current, numSwaps }: ModelHost): object {
  return { name: current.manifest.model.name, version: current.version, swaps: numSwaps };
}

async function answerRank({ body }: Call, { host, store, metrics }: HandlerOptions): Promise<Answer> {
  const given = parseFacts(await body());
  return host.use(async (model) => {
    const request = parseRank(given, factsOf(model), Date.now());
    const ranking = await rank(request, model, store);
    const warnings = warningsOf(request, model);
    metrics.countCandidates("rank", request.candidates.length);
    metrics.countWarnings(warnings);
    return json({ model: model.manifest.model.name, ...ranking, warnings });
  });
}

async function answerEvents({ body }: Call, { host, store, metrics }: HandlerOptions): Promise<Answer> {
  const counts = await store.append(parseEvents(parseFacts(await body()), factsOf(host.current)));
  metrics.countEvents(counts);
  return json(counts);
}

async function answerHealth({ host, store }: HandlerOptions): Promise<Answer> {
  await store.check();
  return json({ ok: true, model: statusOf(host) });
}

async function answerInfer({ params, jsonLength, body }: Call, { host, metrics }: HandlerOptions): Promise<Answer> {
  const bytes = await body();
  const given = jsonLength === null ? parseJson(bytes) : withBinaryTensors(bytes, jsonLength);
  return host.use(async (model) => {
    const { manifest, version } = requested(model, params);
    const request = parseInfer(given, manifest);
    const scores = await model.infer(request.feeds);
    metrics.countCandidates("infer", request.size);
    const facts = { name: manifest.model.name, version };
    return asksForBinary(given) ? binaryAnswer(request, scores, facts) : json(inferAnswer(request, scores, facts));
  });
}

async function answerLoad({ params, body }: Call, { host }: HandlerOptions): Promise<Answer> {
  requested(host.current, params);
  // Triton's clients send parameters, none of which means anything here.
  await body();
  await host.reload();
  return json(statusOf(host));
}
