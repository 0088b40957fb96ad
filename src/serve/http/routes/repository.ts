/** Triton's extension of the Open Inference Protocol for repositories: which models there are, and how they come and go. */
import Type from "typebox";
import { parseJson } from "../body.ts";
import { modelOfPath } from "../named-model.ts";
import { defineRoute } from "../route.ts";
import { checkedBody, FLAG, strictObject, TEXT } from "../values/shapes.ts";
import { MODEL_STATUS, statusOf } from "./health.ts";

const INDEX_BODY = Type.Object({ ready: Type.Optional(FLAG) });

const MODEL_STATE = strictObject({
  name: TEXT,
  version: { ...TEXT, description: "Empty if it is not known." },
  state: Type.Union([Type.Literal("READY"), Type.Literal("UNAVAILABLE")]),
  reason: { ...TEXT, description: "Why it is not ready." },
});

/** Clients send parameters, none of which means anything here. */
const ANY_BODY = { schema: Type.Object({}), example: {}, isOptional: true };

/** The models of the repository, or those that are ready. */
export const INDEX = defineRoute({
  name: "repositoryIndex",
  method: "POST",
  path: "/v2/repository/index",
  summary: "The models that there are; with `ready`, only those that serve",
  request: { schema: INDEX_BODY, example: { ready: true }, isOptional: true },
  answer: Type.Array(MODEL_STATE),
  handle: async ({ body }, { models }) => {
    const bytes = await body();
    const { ready = false } = checkedBody(INDEX_BODY, bytes.length === 0 ? {} : parseJson(bytes));
    return { json: models.index().filter(({ state }) => !ready || state === "READY") };
  },
});

/** Loads a model, or replaces it. */
export const LOAD = defineRoute({
  name: "repositoryLoad",
  method: "POST",
  path: "/v2/repository/models/{name}/load",
  summary: "Loads a model, or replaces it by what its bundle holds now",
  request: ANY_BODY,
  answer: MODEL_STATUS,
  handle: async ({ params, body }, { models, store }) => {
    await body();
    const host = await models.load(params.name);
    await store.keepCounters(host.current.counters);
    return { json: statusOf(host) };
  },
});

/** Takes a model away. */
export const UNLOAD = defineRoute({
  name: "repositoryUnload",
  method: "POST",
  path: "/v2/repository/models/{name}/unload",
  summary: "Takes a model away, once the requests that it has are answered",
  request: ANY_BODY,
  answer: MODEL_STATUS,
  handle: async ({ params, body }, { models }) => {
    await body();
    const host = modelOfPath(models, params.name);
    await models.unload(params.name);
    return { json: statusOf(host) };
  },
});
