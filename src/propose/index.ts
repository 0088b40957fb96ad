/** From files to a configuration: what the fields of a log are, and why. */

export { type ConfigTextOptions, configText } from "./config-text.ts";
export type { Proposal } from "./proposal.ts";
export { propose } from "./propose.ts";
