import Type from "typebox";
import type { ModelHost } from "../../models/model-host.ts";
import type { JsonAnswer } from "../answer.ts";
import { defineRoute } from "../route.ts";
import { COUNT, FLAG, strictObject, TEXT } from "../values/shapes.ts";

/** A model that serves, and how often it was replaced. */
export const MODEL_STATUS = strictObject({ name: TEXT, version: TEXT, swaps: COUNT });

/** What {@link MODEL_STATUS} describes. */
export function statusOf({ current: { name, version }, numSwaps }: ModelHost): Type.Static<typeof MODEL_STATUS> {
  return { name, version, swaps: numSwaps };
}

/** What is said of readiness: the same with 503 while the server is not ready. */
export function whenReady<T>(json: T, isReady: boolean): JsonAnswer<T> {
  return { json, status: isReady ? 200 : 503 };
}

/** Whether server and store answer, and which models serve. */
export const HEALTH = defineRoute({
  name: "health",
  method: "GET",
  path: "/health",
  summary: "Whether the server and its store answer, and the models that serve",
  answer: strictObject({
    ok: Type.Literal(true),
    model: Type.Optional({ ...MODEL_STATUS, description: "The only model; left out where there are several." }),
    models: Type.Array(MODEL_STATUS),
  }),
  handle: async (_, { models, store }) => {
    await store.check();
    const all = models.hosts.map(statusOf);
    const [only, ...others] = all;
    const ok = true as const;
    return { json: { ok, ...(only && others.length === 0 && { model: only }), models: all } };
  },
});

/** Of the Open Inference Protocol: whether the process runs. */
export const LIVE = defineRoute({
  name: "live",
  method: "GET",
  path: "/v2/health/live",
  summary: "Whether the server runs",
  answer: strictObject({ live: FLAG }),
  handle: async () => ({ json: { live: true } }),
});

/** Of the Open Inference Protocol: whether new requests are taken. */
export const READY = defineRoute({
  name: "ready",
  method: "GET",
  path: "/v2/health/ready",
  summary: "Whether the server takes requests and a model serves; 503 if not",
  answer: strictObject({ ready: FLAG }),
  isReadiness: true,
  handle: async (_, { isReady, models }) => {
    const ready = isReady() && models.hosts.length > 0;
    return whenReady({ ready }, ready);
  },
});
