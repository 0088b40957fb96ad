/** Knowledge of teachers: generated once, read by every vertical model that learns from it. */
export { type Generated, type GenerateOptions, generate, type ScoringPart } from "./generate.ts";
export { KnowledgeStore } from "./knowledge-store.ts";
export { generateSliced, type SlicedOptions, type SlicedOutcome } from "./slices.ts";
export { knowledgeFor, openKnowledge, type TransferOptions, transfer, transferRun } from "./transfer.ts";
