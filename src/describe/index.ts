/** A look at the events before anything is trained: what is in them, and what is suspicious. */

export type { Finding } from "./finding.ts";
export { type Tell, tellOf } from "./findings/tell.ts";
export { profilePage } from "./page.ts";
export type { NamedWindow, Profile } from "./profile.ts";
export { profileStore } from "./profile-store.ts";
export { delayTable, fieldTable, labelTable, type ProfileTable, quantileText, windowTable } from "./tables.ts";
export { fieldGroups } from "./tallies/field-tally.ts";
