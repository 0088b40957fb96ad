import { packageVersion } from "../../base/version.ts";
import { ERROR, PROTOCOL_ERROR } from "./error-answer.ts";
import { type BodyDoc, type DescribedModel, distinctOf, type Route } from "./route.ts";
import { isProtocolPath } from "./router.ts";
import type { JsonSchema } from "./values/shapes.ts";

/** The description of routes in OpenAPI 3.1, for the models that serve. */
export function openApiDocument(routes: readonly Route[], models: readonly DescribedModel[]): object {
  const names = models.map(({ name }) => name).join(", ");
  const paths = routes.map((route) => [route.path, { [route.method.toLowerCase()]: operationOf(route, models) }]);
  const ranking = models.map(({ name, version, facts }) => {
    return `version ${version} of ${name}: ${facts.objectives.join(", ")}`;
  });
  return {
    openapi: "3.1.0",
    info: {
      title: names === "" ? "lapidary" : `lapidary: ${names}`,
      version: packageVersion(),
      description: ranking.length === 0 ? "No model serves." : `Ranks with ${ranking.join("; ")}.`,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths: Object.fromEntries(paths),
    components: { schemas: { Error: ERROR, ProtocolError: PROTOCOL_ERROR } },
  };
}

function operationOf(route: Route, models: readonly DescribedModel[]): object {
  const { name, path, summary, request, answer, type = "application/json", isReadiness = false } = route;
  const errors = { $ref: `#/components/schemas/${isProtocolPath(path) ? "ProtocolError" : "Error"}` };
  const failure = (description: string) => ({ description, content: { "application/json": { schema: errors } } });
  const content = { [type]: { schema: anyOf(distinctOf(answer, models)) } };
  return {
    operationId: name,
    summary: distinctOf(summary, models).join("; ") || name,
    parameters: parametersOf(path, models),
    ...(request === undefined ? {} : { requestBody: bodyOf(request, models) }),
    responses: {
      200: { description: "Done.", content },
      ...(isReadiness ? { 503: { description: "Not ready.", content } } : {}),
      "4XX": failure("The request cannot be answered as it is."),
      "5XX": failure("The request was fine; 503 says that it may be sent again."),
    },
  };
}

/** The parameters of a path: of each model, what its requests have in that place. */
function parametersOf(path: string, models: readonly DescribedModel[]): readonly object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, param = ""]) => {
    const values = models.map(({ name, version }) => [name, { name, version }[param]] as const);
    return { name: param, in: "path", required: true, schema: { type: "string" }, ...examplesOf(values) };
  });
}

function bodyOf(request: NonNullable<Route["request"]>, models: readonly DescribedModel[]): object {
  const bodies = distinctOf<BodyDoc>(request, models);
  const schema = anyOf(bodies.map((body) => body.schema));
  const [first] = bodies;
  const named = models.map((model) => [model.name, exampleOf(request, model)] as const);
  const examples = bodies.length === 1 ? { example: first?.example } : examplesOf(named);
  const required = bodies.every(({ isOptional = false }) => !isOptional);
  return { required, content: { "application/json": { schema, ...examples } } };
}

function exampleOf(request: NonNullable<Route["request"]>, model: DescribedModel): unknown {
  return distinctOf<BodyDoc>(request, [model])[0]?.example;
}

/** One example as it is, several by the model's name. */
function examplesOf(values: readonly (readonly [model: string, value: unknown])[]): object {
  const [first, ...others] = values;
  if (first === undefined) return {};
  if (others.length === 0) return { example: first[1] };
  return { examples: Object.fromEntries(values.map(([model, value]) => [model, { value }])) };
}

/** One of these schemas; anything where there is none. */
function anyOf(schemas: readonly JsonSchema[]): JsonSchema {
  const [first = {}, ...others] = schemas;
  return others.length === 0 ? first : { anyOf: schemas };
}
