/**
 * The inputs of every exported graph: the contract between `export`, which writes graphs, and `serve`, which feeds them.
 * What belongs to a user is given once per request, and `requests` says of each candidate whose it is; so a ranking of
 * a thousand candidates pools one history.
 *
 * @see Meta, "Request-Only Optimization for Recommendation Systems" (arXiv 2508.05640)
 */
import type { CategoryFeature, FeatureSpec } from "../features/spec.ts";

/** Whose rows the user's part of a graph has: one per request, or a copy per candidate (then R = B, and no `requests`). */
export type UserRows = "request" | "candidate";

/** A size that varies, of candidates B, requests R, events of all histories L. */
export type GraphAxis = "B" | "B+1" | "R" | "R+1" | "L";

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
    { name: "numbers", dtype: "float32", shape: ["B", numbers.length], cardinality: null },
    ...codes("history", history, "L"),
    { name: "offsets", dtype: "int32", shape: [`${perUser}+1`], cardinality: null },
    ...(pastEmbeddings > 0 ? [past] : []),
    ...(isShared ? [requests] : []),
  ];
}
