import Type from "typebox";
import {
  ARCHITECTURE_DEFAULTS,
  type ArchitectureConfig,
  DOMAIN_PARTS,
  GATES,
  HISTORY_EVENTS,
  HISTORY_STREAMS,
  INTERACTIONS,
  SEQUENCE_ATTENTIONS,
  SUMMARY_PIECES,
} from "./architecture.ts";

type Name = keyof ArchitectureConfig;

const choice = <const V extends readonly string[]>(name: Name, values: V, description: string) =>
  Type.Optional(Type.Enum([...values] as V[number][], { description, default: ARCHITECTURE_DEFAULTS[name] }));

const count = (name: Name, description: string, range: { minimum: number; maximum: number }) =>
  Type.Optional(Type.Integer({ description, default: ARCHITECTURE_DEFAULTS[name], ...range }));

const flag = (name: Name, description: string) =>
  Type.Optional(Type.Boolean({ description, default: ARCHITECTURE_DEFAULTS[name] }));

/** What a user writes of a foundation model's architecture; see {@link ArchitectureConfig}. */
export const ARCHITECTURE_SCHEMA = Type.Object(
  {
    interaction: choice("interaction", INTERACTIONS, "What mixes the features."),
    experts: count("experts", "Interaction archs side by side, mixed by a gate.", { minimum: 1, maximum: 64 }),
    layerConnections: flag("layerConnections", "Whether a layer's tokens attend to those of all layers before it."),
    tokens: Type.Optional(
      Type.Array(Type.Integer({ description: "Tokens of each block.", minimum: 1, maximum: 4096 }), {
        description: "Tokens that each block makes, layer by layer; the last holds for the layers after it.",
        minItems: 1,
      }),
    ),
    attention: choice("attention", SEQUENCE_ATTENTIONS, "How events see each other."),
    queryKeyNorm: flag("queryKeyNorm", "Whether queries and keys are normalized."),
    pyramid: count("pyramid", "Neighbouring events that become one after every layer.", { minimum: 1, maximum: 64 }),
    deepHistory: Type.Optional(
      Type.Integer({ description: "Newest events that the layers after the first read.", minimum: 1 }),
    ),
    interleaved: flag("interleaved", "Whether layers exchange summaries."),
    summary: Type.Optional(
      Type.Array(Type.Enum([...SUMMARY_PIECES]), {
        description: "What the summary of a history is put together from.",
        default: [...SUMMARY_PIECES],
        minItems: 1,
        uniqueItems: true,
      }),
    ),
    gates: choice("gates", GATES, "Gates of the summaries."),
    candidateAttention: flag("candidateAttention", "Whether the candidate attends to the history."),
    domains: choice("domains", DOMAIN_PARTS, "What surfaces have of their own."),
    streams: choice("streams", HISTORY_STREAMS, "One history of all events, or one by origin."),
    events: choice("events", HISTORY_EVENTS, "Which events a history holds."),
  },
  { description: "What a foundation model is made of.", additionalProperties: false },
);
