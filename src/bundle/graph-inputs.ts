/**
 * The inputs of every exported graph: the contract between `export`, which writes graphs, and `serve`, which feeds them.
 * What belongs to a user is given once per request, and `requests` says of each candidate whose it is; so a ranking of
 * a thousand candidates pools one history.
 *
 * @see Meta, "Request-Only Optimization for Recommendation Systems" (arXiv 2508.05640)
 */
import { contentOf, vectorWidth } from "../features/content.ts";
import type { CategoryFeature, ContentColumns, FeatureSpec } from "../features/spec.ts";

/** Whose rows the user's part of a graph has: one per request, or a copy per candidate (then R = B, and no `requests`). */
export type UserRows = "request" | "candidate";

/**
 * A size that varies: of candidates B, requests R, events of all histories L, and of each input of lists the ids of all its
 * lists, `|candidate.tags|`.
 */
export type GraphAxis = "B" | "B+1" | "R" | "R+1" | "L" | "L+1" | IdsAxis;

/** Number of ids of an input of lists. */
export type IdsAxis = `|${string}|`;

/** Whether an axis is one of ids. */
export function isIdsAxis(axis: GraphAxis): axis is IdsAxis {
  return axis.startsWith("|");
}

/** Name of the input of where the lists of another begin and end. */
export function offsetsName(name: string): string {
  return `${name}.offsets`;
}

/** The arrays of content by the names of their inputs; `kind` is `candidate` or `history`. */
export function contentArrays(
  kind: "candidate" | "history",
  content: ContentColumns | undefined,
): readonly (readonly [string, Float32Array | Int32Array])[] {
  const { vectors = {}, lists = {} } = content ?? {};
  const named = (name: string): string => `${kind}.${name}`;
  return [
    ...Object.entries(vectors).map(([name, inputs]) => [named(name), inputs] as const),
    ...Object.entries(lists).flatMap(([name, { offsets, codes }]) => {
      return [[named(name), codes] as const, [offsetsName(named(name)), offsets] as const];
    }),
  ];
}

/** One input of a graph. */
export interface GraphInput {
  readonly name: string;
  readonly dtype: "int32" | "float32";
  readonly shape: readonly (GraphAxis | number)[];
  /** Codes are in [0, cardinality); null for what is no code. */
  readonly cardinality: number | null;
}

/** Name of a graph's only output. @shape float32 [B, T] */
export const GRAPH_OUTPUT = "logits";

/** The inputs of a graph, in their order. A graph declares all of them, whether it reads them or not. */
export function graphInputs(spec: FeatureSpec, userRows: UserRows): readonly GraphInput[] {
  const { contextual, candidate, numbers, history, pastEmbeddings = 0 } = spec;
  const isShared = userRows === "request";
  const perUser = isShared ? "R" : "B";
  const codes = (kind: string, features: readonly CategoryFeature[], axis: GraphAxis): GraphInput[] =>
    features.map(({ name, cardinality }) => ({ name: `${kind}.${name}`, dtype: "int32", shape: [axis], cardinality }));
  const past: GraphInput = { name: "past", dtype: "float32", shape: [perUser, pastEmbeddings], cardinality: null };
  const requests: GraphInput = { name: "requests", dtype: "int32", shape: ["B"], cardinality: null };
  return [
    ...codes("contextual", contextual, perUser),
    ...codes("candidate", candidate, "B"),
    ...contentInputs(spec, "candidate", "B"),
    { name: "numbers", dtype: "float32", shape: ["B", numbers.length], cardinality: null },
    ...codes("history", history, "L"),
    ...contentInputs(spec, "history", "L"),
    { name: "offsets", dtype: "int32", shape: [`${perUser}+1`], cardinality: null },
    ...(pastEmbeddings > 0 ? [past] : []),
    ...(isShared ? [requests] : []),
  ];
}

function contentInputs(spec: FeatureSpec, kind: "candidate" | "history", axis: "B" | "L"): readonly GraphInput[] {
  const { vectors, lists } = contentOf(spec);
  return [
    ...vectors.map((feature): GraphInput => {
      return {
        name: `${kind}.${feature.name}`,
        dtype: "float32",
        shape: [axis, vectorWidth(feature)],
        cardinality: null,
      };
    }),
    ...lists.flatMap(({ name: of, cardinality }): GraphInput[] => {
      const name = `${kind}.${of}`;
      return [
        { name, dtype: "int32", shape: [`|${name}|`], cardinality },
        { name: offsetsName(name), dtype: "int32", shape: [`${axis}+1`], cardinality: null },
      ];
    }),
  ];
}
