import { packageVersion } from "../../base/version.ts";
import type { BundleManifest } from "../../bundle/index.ts";
import { OUTPUTS, objectivesOf } from "../../features/objectives.ts";
import * as answers from "./openapi-answers.ts";
import { type BodyDoc, eventsBody, inferBody, type JsonSchema, rankBody } from "./openapi-requests.ts";
import { isProtocolPath, ROUTE_LIST, type RouteFacts, type RouteName } from "./routes.ts";

/** What one route takes and answers. */
interface OperationDoc {
  readonly summary: string;
  /** Of its body, by media type: JSON unless it says otherwise. */
  readonly answer: JsonSchema;
  readonly type?: string;
  readonly body?: BodyDoc;
  readonly isBodyOptional?: boolean;
}

/** The description of the server's API in OpenAPI 3.1, for the model that serves. */
export function openApiDocument(manifest: BundleManifest, version: string): object {
  const docs = operationDocs(manifest);
  const values = { name: manifest.model.name, version };
  const paths = ROUTE_LIST.map(([name, route]) => [
    route.path,
    { [route.method.toLowerCase()]: operation(name, route, { doc: docs[name], values }) },
  ]);
  return {
    openapi: "3.1.0",
    info: {
      title: `lapidary: ${manifest.model.name}`,
      version: packageVersion(),
      description: `Ranks with version ${version} of ${manifest.model.name}: ${manifest.spec.objectives.join(", ")}.`,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths: Object.fromEntries(paths),
    components: {
      schemas: { Error: answers.ERROR, ProtocolError: answers.PROTOCOL_ERROR },
    },
  };
}

function operationDocs(manifest: BundleManifest): Readonly<Record<RouteName, OperationDoc>> {
  const infer = { answer: answers.INFERENCE, body: inferBody(manifest) };
  const index = { schema: { type: "object", properties: { ready: { type: "boolean" } } }, example: { ready: true } };
  return {
    rank: {
      summary: "Orders candidates for a user, the most valuable first",
      answer: answers.rankingSchema(manifest.spec),
      body: rankBody(manifest),
    },
    events: { summary: "Reports what users did", answer: answers.EVENT_COUNTS, body: eventsBody(manifest) },
    health: { summary: "Whether the server and its store answer", answer: answers.HEALTH },
    metrics: {
      summary: "Numbers of the server in the text format of Prometheus",
      answer: { type: "string" },
      type: "text/plain",
    },
    openApi: { summary: "This document", answer: { type: "object" } },
    server: { summary: "Server metadata", answer: answers.SERVER },
    live: { summary: "Whether the server runs", answer: answers.LIVE },
    ready: { summary: "Whether the server takes requests; 503 if it does not", answer: answers.READY },
    model: { summary: "Model metadata", answer: answers.MODEL },
    modelVersion: { summary: "Model metadata of a version", answer: answers.MODEL },
    modelReady: { summary: "Whether the model takes requests", answer: answers.MODEL_READY },
    modelVersionReady: { summary: "Whether a version of the model takes requests", answer: answers.MODEL_READY },
    infer: { summary: outputsSummary(manifest), ...infer },
    inferVersion: { summary: `${outputsSummary(manifest)} by a version of the model`, ...infer },
    repositoryIndex: {
      summary: "The model that there is",
      answer: answers.INDEX,
      body: index,
      isBodyOptional: true,
    },
    repositoryLoad: {
      summary: "Replaces the model by what its bundle holds now",
      answer: answers.MODEL_STATUS,
      body: { schema: { type: "object" }, example: {} },
      isBodyOptional: true,
    },
  };
}

/** What inference answers: the columns where they are not one logit per objective. */
function outputsSummary({ spec }: BundleManifest): string {
  if (spec.objectiveKinds === undefined) return "Logits of tensors";
  const columns = objectivesOf(spec).flatMap(({ name, kind }) => OUTPUTS[kind].map((output) => `${name} ${output}`));
  return `Outputs of tensors (columns: ${columns.join(", ")})`;
}

interface OperationFacts {
  readonly doc: OperationDoc;
  /** Of the parameters of paths. */
  readonly values: Readonly<Record<string, string>>;
}

function operation(name: RouteName, { path }: RouteFacts, { doc, values }: OperationFacts): object {
  const { summary, answer, type = "application/json", body, isBodyOptional = false } = doc;
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, param = ""]) => {
    return { name: param, in: "path", required: true, schema: { type: "string" }, example: values[param] };
  });
  const errors = { $ref: `#/components/schemas/${isProtocolPath(path) ? "ProtocolError" : "Error"}` };
  const failure = (description: string) => ({ description, content: { "application/json": { schema: errors } } });
  const notReady = answer === answers.READY || answer === answers.MODEL_READY ? answer : null;
  return {
    operationId: name,
    summary,
    parameters,
    ...(body ? { requestBody: { required: !isBodyOptional, content: { "application/json": body } } } : {}),
    responses: {
      200: { description: "Done.", content: { [type]: { schema: answer } } },
      ...(notReady ? { 503: { description: "Not ready.", content: { [type]: { schema: notReady } } } } : {}),
      "4XX": failure("The request cannot be answered as it is."),
      "5XX": failure("The request was fine; 503 says that it may be sent again."),
    },
  };
}
