import Type from "typebox";
import { defineRoute } from "../route.ts";

/** What the server counts. */
export const METRICS = defineRoute({
  name: "metrics",
  method: "GET",
  path: "/metrics",
  summary: "Numbers of the server in the text format of Prometheus",
  answer: Type.String(),
  type: "text/plain",
  handle: (_, { metrics }) => metrics.render(),
});
