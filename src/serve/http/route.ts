import type { Static, TSchema } from "typebox";
import type { ModelRepository } from "../models/model-repository.ts";
import type { ServedModel } from "../ranker/served-model.ts";
import type { OnlineStore } from "../store/online-store.ts";
import type { Answer } from "./answer.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { JsonSchema } from "./values/shapes.ts";

/** Something that is the same for all models, or made of each. */
export type PerModel<T> = T | ((model: DescribedModel) => T);

/** What a description reads of a model. */
export type DescribedModel = Pick<ServedModel, "manifest" | "version" | "name" | "facts">;

/** What a request's body may be, and one that is. */
export interface BodyDoc {
  readonly schema: JsonSchema;
  readonly example: unknown;
  /** Whether there may be none. @default false */
  readonly isOptional?: boolean;
}

/** One request, as far as a handler reads it. */
export interface Call<Params = Readonly<Record<string, string>>> {
  /** Of the path. */
  readonly params: Params;
  /** Length of the JSON of its body, before tensors in binary; null if all of it is JSON. */
  readonly jsonLength: string | null;
  /** Its body. @throws {LapidaryError} SERVE_LIMIT, SERVE_REQUEST */
  readonly body: () => Promise<Uint8Array>;
}

/** What the handlers of a server work with. */
export interface ServerContext {
  readonly models: ModelRepository;
  readonly store: OnlineStore;
  readonly metrics: ServerMetrics;
  /** All that the server answers to. */
  readonly routes: readonly Route[];
  /** Whether new requests are taken. */
  readonly isReady: () => boolean;
}

/** One path of the server: what it is for, takes and answers. Dispatch and OpenAPI follow from the list of these. */
export interface Route {
  /** Its name in OpenAPI. */
  readonly name: string;
  /** `GET` answers `HEAD` too. */
  readonly method: "GET" | "POST";
  /** With parameters in braces, each one whole segment. */
  readonly path: string;
  readonly summary: PerModel<string>;
  /** @default it takes no body */
  readonly request?: PerModel<BodyDoc>;
  /** Of the answer's body. */
  readonly answer: PerModel<JsonSchema>;
  /** The answer's media type. @default application/json */
  readonly type?: string;
  /** Whether the same is said with 503 while the server is not ready. @default false */
  readonly isReadiness?: boolean;
  /** @throws {LapidaryError} what becomes the answer */
  handle(call: Call, server: ServerContext): Promise<Answer>;
}

/** The parameters of a path: `{ name, version }` of `/models/{name}/versions/{version}`. */
type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [K in Name]: string } & ParamsOf<Rest>
  : unknown;

/** What a handler answers: what the schema of its answer says, where that is known at compile time. */
type AnswerOf<A> = A extends (model: never) => unknown ? unknown : A extends TSchema ? Static<A> : unknown;

interface RouteOf<Path extends string, A extends PerModel<JsonSchema>>
  extends Omit<Route, "path" | "answer" | "handle"> {
  readonly path: Path;
  readonly answer: A;
  handle(call: Call<ParamsOf<Path>>, server: ServerContext): Promise<Answer<AnswerOf<A>>>;
}

/** A route, whose handler has the parameters of its path and answers what its schema says. */
export function defineRoute<Path extends string, A extends PerModel<JsonSchema>>(route: RouteOf<Path, A>): Route {
  return route as Route;
}

/** Something of each of these models, once where several have the same. */
export function distinctOf<T>(value: PerModel<T>, models: readonly DescribedModel[]): readonly T[] {
  if (typeof value !== "function") return [value];
  const ofModel = value as (model: DescribedModel) => T;
  return [...new Map(models.map(ofModel).map((each) => [JSON.stringify(each), each])).values()];
}
