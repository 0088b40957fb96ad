/** A synthetic world with known truth: people, items, surfaces, and the log that they leave. */
export { type SimulateOptions, type SimulateResult, simulate } from "./simulate.ts";
export { trueScores } from "./truth.ts";
