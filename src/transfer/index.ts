/** Knowledge of teachers: generated once, read by every model that learns from it. */
export { type Generated, type GenerateOptions, generate, type ScoringPart } from "./generate.ts";
export { knowledgeFor, openKnowledge } from "./knowledge-in-use.ts";
export { KnowledgeStore } from "./knowledge-store.ts";
export { generateSliced, type SlicedOptions, type SlicedOutcome } from "./slices.ts";
export { type TransferOptions, teachingOf, transfer, transferRun } from "./transfer.ts";
