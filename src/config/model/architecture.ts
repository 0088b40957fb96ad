/**
 * What a foundation model is made of. The defaults are the published architectures; every other value is an option of
 * its own, so that each can be a row of an ablation table.
 */
import Type from "typebox";
import { defaultsOf, type Filled, withDefault } from "../defaults.ts";
import { choice, flag, integer, listOf, record } from "../schema-parts.ts";

/** What a user writes of a foundation model's architecture. */
export const ARCHITECTURE_SCHEMA = record(
  {
    interaction: withDefault(
      choice(["wukong", "dcn"], "What mixes the features: Wukong, or the cross network of DCNv2."),
      "wukong",
    ),
    // arXiv 2203.11014 (DHEN)
    experts: withDefault(
      integer("Interaction archs side by side in every layer, mixed by a gate; 1: no mixture.", {
        minimum: 1,
        maximum: 64,
      }),
      1,
    ),
    // GEM's cross-layer connections, as far as known.
    layerConnections: withDefault(flag("Whether a layer's tokens attend to those of all layers before it."), false),
    tokens: Type.Optional(
      Type.Array(integer("Tokens of each block.", { minimum: 1, maximum: 4096 }), {
        description: "Tokens that each block makes, layer by layer; the last holds for the layers after it.",
        minItems: 1,
      }),
    ),
    attention: withDefault(
      choice(
        ["full", "causal", "block", "semiLocal", "hstu"],
        "How the events of a history see each other. `full`: every event every other. `causal`: the earlier ones. " +
          "`block`: those of the own block of 64. `semiLocal`: the 64 before, and the first rows. `hstu`: the earlier " +
          "ones, without softmax.",
      ),
      "full",
    ),
    // arXiv 2010.04245
    queryKeyNorm: withDefault(flag("Whether queries and keys are normalized before their products."), false),
    pyramid: withDefault(
      integer("So many neighbouring events become one after every layer; 1: the whole sequence is kept.", {
        minimum: 1,
        maximum: 64,
      }),
      1,
    ),
    // arXiv 2602.16986 (attention truncation): long and shallow, short and deep.
    deepHistory: Type.Optional(
      integer("Newest events that the layers after the first read, the candidate's attention reading all.", {
        minimum: 1,
      }),
    ),
    interleaved: withDefault(flag("Whether layers exchange summaries; else the two archs meet at the end only."), true),
    summary: withDefault(
      listOf(
        Type.Enum(["cls", "pooled", "recent"]),
        "What the summary of a history is put together from: CLS tokens, attention pooling, the newest events.",
      ),
      ["cls", "pooled", "recent"],
    ),
    gates: withDefault(
      choice(
        ["scaled", "squashed", "none"],
        "Gates of the summaries: `scaled` is σ(MLP(x)) ⊙ x, `squashed` the paper's own σ(x ⊙ MLP(x)).",
      ),
      "scaled",
    ),
    // engineering.fb.com, 5 Aug 2026 (target-aware attention)
    candidateAttention: withDefault(flag("Whether the candidate attends to the history at the end."), true),
    vectorAttention: withDefault(
      flag("Whether it attends by its vectors as well: what did the user do with what looked like it?"),
      true,
    ),
    objectives: withDefault(
      choice(
        ["specific", "shared"],
        "Hidden layers of the task heads. `specific`: each objective has its own. `shared`: one, as wide as theirs " +
          "together: what few positives of one objective tell is learned from the others too.",
      ),
      "specific",
    ),
    // arXiv 1906.00091 §2.1.3
    pairs: withDefault(
      flag(
        "Whether the heads read the product of every pair of the features' tokens, as DLRM's do: what two features say " +
          "together, whatever else is said beside it.",
      ),
      false,
    ),
    domains: withDefault(
      choice(
        ["shared", "specific", "experts"],
        "What surfaces have of their own. `shared`: nothing. `specific`: gates of the features, feed-forward with its " +
          "norm, and task heads. `experts`: task heads that mix shared experts with the surface's own.",
      ),
      "specific",
    ),
    streams: withDefault(
      choice(["one", "origin"], "One history of all events, or one of the organic events and one of the ads."),
      "one",
    ),
    events: withDefault(choice(["all", "ad", "organic"], "Which events a history holds."), "all"),
  },
  "What a foundation model is made of.",
);

/** What a foundation model is made of; `tokens` null for the dial's, `deepHistory` null for all events. */
export interface ArchitectureConfig extends Filled<typeof ARCHITECTURE_SCHEMA> {}

/** How the events of a history see each other. */
export type SequenceAttention = ArchitectureConfig["attention"];
/** Gates of the summaries. */
export type GateKind = ArchitectureConfig["gates"];

/** A foundation model unless the configuration says otherwise. */
export const ARCHITECTURE_DEFAULTS: ArchitectureConfig = defaultsOf(ARCHITECTURE_SCHEMA);
