import { Validator } from "@seriousme/openapi-schema-validator";
import Schema from "typebox/schema";
import { describe, expect, it } from "vitest";
import { ROUTES } from "./routes/index.ts";
import { get, post, withModels, withServer } from "./server.test.support.ts";

type Json = { readonly [key: string]: Json } & Record<string, unknown>;

/** One example, or one for each model. */
interface Exemplified {
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly ({ readonly name: string } & Exemplified)[];
  readonly requestBody?: {
    readonly content: { readonly "application/json": { readonly schema: Json } & Exemplified };
  };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}

interface Document extends Record<string, unknown> {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

async function documentOf(url: string): Promise<Document> {
  return (await get(`${url}/openapi.json`)).body as Document;
}

function operationsOf({ paths }: Document) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

function exampleOf({ example, examples }: Exemplified, model: string): unknown {
  return examples === undefined ? example : examples[model]?.value;
}

/** Sends a route's own example, of one model. */
async function tryExample(
  url: string,
  { path, method, operation }: ReturnType<typeof operationsOf>[number],
  model: string,
) {
  const values = new Map(operation.parameters.map((parameter) => [parameter.name, exampleOf(parameter, model)]));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values.get(name))));
  const content = operation.requestBody?.content["application/json"];
  const example = content && exampleOf(content, model);
  const body = example === undefined ? {} : { body: JSON.stringify(example) };
  const response = await fetch(url + filled, { method, ...body });
  const text = await response.text();
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  return { status: response.status, type, body: type === "application/json" ? JSON.parse(text) : text };
}

/** Whether a value fits a schema that may refer to the document's components. */
function fits({ components }: Document, schema: Json, value: unknown): boolean {
  return Schema.Check({ ...schema, components }, value);
}

/** Sends every example of a document: each is as its schema says, and so is its answer. */
async function checkExamples(url: string, models: readonly string[]): Promise<void> {
  const document = await documentOf(url);
  for (const described of operationsOf(document)) {
    const { requestBody, responses } = described.operation;
    const bodyDoc = requestBody?.content["application/json"];
    for (const model of models) {
      const of = `${described.path} of ${model}`;
      if (bodyDoc) expect(fits(document, bodyDoc.schema, exampleOf(bodyDoc, model)), of).toBe(true);
      const { status, type, body } = await tryExample(url, described, model);
      expect([of, status]).toEqual([of, 200]);
      const schema = responses["200"]?.content[type]?.schema;
      expect(schema !== undefined && fits(document, schema, body), of).toBe(true);
    }
  }
}

describe("GET /openapi.json", () => {
  it("is a valid document of OpenAPI 3.1", async () => {
    await withServer(async ({ url }) => {
      const result = await new Validator().validate((await documentOf(url)) as Record<string, unknown>);
      expect(result.errors ?? []).toEqual([]);
      expect(result.valid).toBe(true);
    });
  });

  it("describes every route of the server and no others", async () => {
    await withServer(async ({ url }) => {
      const described = operationsOf(await documentOf(url)).map(({ path, method }) => `${method} ${path}`);
      expect(described.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
    });
  });

  it.each(["request", "candidate"] as const)(
    "has examples that fit their own schemas and that a server with rows per %s answers as it says",
    async (userRows) => {
      await withServer(({ url }) => checkExamples(url, ["tiny"]), { userRows });
    },
  );

  it("describes all models that serve, with an example of each, and is valid for any number of them", async () => {
    const bundles = { one: {}, two: { userRows: "request" }, three: {} } as const;
    await withModels(bundles, async ({ url, models }) => {
      const document = await documentOf(url);
      expect(await new Validator().validate(document)).toMatchObject({ valid: true });
      // What is the same of all is said once.
      expect(JSON.stringify(document.paths["/events"])).not.toContain("anyOf");
      const { version } = models.host("two")!.current;
      expect(document["info"]).toMatchObject({ title: "lapidary: one, three, two" });
      expect(JSON.stringify(document["info"])).toContain(`version ${version} of two: click, buy`);
      await checkExamples(url, Object.keys(bundles));
      const empty = await documentOf(url);
      expect(await new Validator().validate(empty)).toMatchObject({ valid: true });
      expect(document.paths["/rank"]).not.toEqual(empty.paths["/rank"]);
    });
  });

  it("names the model's attributes, objectives and limits", async () => {
    await withServer(async ({ url }) => {
      const document = await documentOf(url);
      const schemaOf = (path: string): Json =>
        document.paths[path]?.["post"]?.requestBody?.content["application/json"].schema ?? ({} as Json);
      const { context, candidates, objective } = schemaOf("/rank")["properties"] as Json;
      expect(Object.keys(context?.["properties"] ?? {})).toEqual([
        "item",
        "surface",
        "origin",
        "brand",
        "price",
        "fresh",
      ]);
      expect(objective?.["enum"]).toEqual(["click", "buy"]);
      expect(candidates?.["maxItems"]).toBe(2000);
      const text = JSON.stringify(schemaOf("/events"));
      for (const name of ["click", "buy", "brand", "action"]) expect(text).toContain(`"${name}":`);
    });
  });

  it("refuses in its schemas what the server refuses, as the errors that it describes", async () => {
    await withServer(async ({ url }) => {
      const document = await documentOf(url);
      const bad: readonly (readonly [string, unknown])[] = [
        ["/rank", { user: "u", candidates: [] }],
        ["/rank", { user: "u", candidates: [{ click: 1 }] }],
        ["/rank", { user: "u", candidates: [{ bids: { other: 1 } }] }],
        ["/rank", { user: "", candidates: [{}] }],
        ["/events", { events: [{ user: "u", id: "e" }] }],
        ["/v2/models/{name}/infer", { inputs: [] }],
        ["/v2/repository/index", { ready: "yes" }],
      ];
      for (const [path, body] of bad) {
        const { requestBody, responses } = document.paths[path]?.["post"] ?? {};
        expect(fits(document, requestBody?.content["application/json"].schema as Json, body), path).toBe(false);
        const answer = await post(url + path.replace("{name}", "tiny"), body);
        expect(answer.status, path).toBe(400);
        const schema = responses?.["4XX"]?.content["application/json"]?.schema as Json;
        expect(fits(document, schema, answer.body), path).toBe(true);
      }
    });
  });
});
