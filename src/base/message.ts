/** What was thrown says, whatever it is. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The first line of it: what fits into an error of our own. */
export function firstLineOf(thrown: unknown): string {
  return messageOf(thrown).split("\n")[0] ?? "";
}
