import type { Route } from "../route.ts";
import { EVENTS } from "./events.ts";
import { HEALTH, LIVE, READY } from "./health.ts";
import { INFER, INFER_VERSION } from "./infer.ts";
import { METRICS } from "./metrics.ts";
import { MODEL, MODEL_VERSION, READY_MODEL, READY_MODEL_VERSION, SERVER } from "./models.ts";
import { OPEN_API } from "./open-api.ts";
import { RANK } from "./rank.ts";
import { INDEX, LOAD, UNLOAD } from "./repository.ts";

/** Every path of the server. */
export const ROUTES: readonly Route[] = [
  RANK,
  EVENTS,
  HEALTH,
  METRICS,
  OPEN_API,
  SERVER,
  LIVE,
  READY,
  MODEL,
  MODEL_VERSION,
  READY_MODEL,
  READY_MODEL_VERSION,
  INFER,
  INFER_VERSION,
  INDEX,
  LOAD,
  UNLOAD,
];
