/**
 * What a foundation model is made of. The defaults are the published architectures; every other value is an option of
 * its own, so that each can be a row of an ablation table.
 */

/** Interaction archs: Wukong, or the cross network of DCNv2 in its place. */
export const INTERACTIONS = ["wukong", "dcn"] as const;
/** One of {@link INTERACTIONS}. */
export type InteractionKind = (typeof INTERACTIONS)[number];

/**
 * How the events of a history see each other. `full`: every event every other. `causal`: the earlier ones. `block`:
 * those of the own block of 64. `semiLocal`: the 64 before, and the first rows. `hstu`: the earlier ones, without softmax.
 */
export const SEQUENCE_ATTENTIONS = ["full", "causal", "block", "semiLocal", "hstu"] as const;
/** One of {@link SEQUENCE_ATTENTIONS}. */
export type SequenceAttention = (typeof SEQUENCE_ATTENTIONS)[number];

/** What the summary of a history is put together from: CLS tokens, attention pooling, the newest events. */
export const SUMMARY_PIECES = ["cls", "pooled", "recent"] as const;
/** One of {@link SUMMARY_PIECES}. */
export type SummaryPiece = (typeof SUMMARY_PIECES)[number];

/** Gates of the summaries: `scaled` is σ(MLP(x)) ⊙ x, `squashed` the paper's own σ(x ⊙ MLP(x)). */
export const GATES = ["scaled", "squashed", "none"] as const;
/** One of {@link GATES}. */
export type GateKind = (typeof GATES)[number];

/**
 * What surfaces have of their own. `shared`: nothing. `specific`: gates of the features, feed-forward with its norm, and
 * task heads. `experts`: task heads that mix shared experts with the surface's own.
 */
export const DOMAIN_PARTS = ["shared", "specific", "experts"] as const;
/** One of {@link DOMAIN_PARTS}. */
export type DomainParts = (typeof DOMAIN_PARTS)[number];

/** Which histories there are: one of all events, or one of the organic events and one of the ads beside each other. */
export const HISTORY_STREAMS = ["one", "origin"] as const;
/** One of {@link HISTORY_STREAMS}. */
export type HistoryStreams = (typeof HISTORY_STREAMS)[number];

/** Which events a history holds. */
export const HISTORY_EVENTS = ["all", "ad", "organic"] as const;
/** One of {@link HISTORY_EVENTS}. */
export type HistoryEvents = (typeof HISTORY_EVENTS)[number];

/** Choices of a foundation model. */
export interface ArchitectureConfig {
  readonly interaction: InteractionKind;
  /** Interaction archs side by side in every layer, mixed by a gate; 1 = no mixture. @see arXiv 2203.11014 (DHEN) */
  readonly experts: number;
  /** Whether every layer's tokens attend to those of all layers before it: GEM's cross-layer connections, as far as known. */
  readonly layerConnections: boolean;
  /** Tokens that each block of each layer makes, the last for all layers after it; null for the dial's. A pyramid shrinks. */
  readonly tokens: readonly number[] | null;
  readonly attention: SequenceAttention;
  /** Whether queries and keys are normalized before their products. @see arXiv 2010.04245 */
  readonly queryKeyNorm: boolean;
  /** So many neighbouring events become one after every layer; 1 = the whole sequence is kept. */
  readonly pyramid: number;
  /**
   * Newest events that the layers read, the candidate's attention reading all: long and shallow, short and deep; null for
   * all. @see arXiv 2602.16986 (attention truncation)
   */
  readonly deepHistory: number | null;
  /** Whether layers exchange summaries; else the two archs meet at the end only. */
  readonly interleaved: boolean;
  readonly summary: readonly SummaryPiece[];
  readonly gates: GateKind;
  /** Whether the candidate attends to the history at the end. @see engineering.fb.com, 5 Aug 2026 (target-aware attention) */
  readonly candidateAttention: boolean;
  readonly domains: DomainParts;
  readonly streams: HistoryStreams;
  readonly events: HistoryEvents;
}

/** A foundation model unless the configuration says otherwise. */
export const ARCHITECTURE_DEFAULTS: ArchitectureConfig = Object.freeze({
  interaction: "wukong",
  experts: 1,
  layerConnections: false,
  tokens: null,
  attention: "full",
  queryKeyNorm: false,
  pyramid: 1,
  deepHistory: null,
  interleaved: true,
  summary: [...SUMMARY_PIECES],
  gates: "scaled",
  candidateAttention: true,
  domains: "specific",
  streams: "one",
  events: "all",
});
