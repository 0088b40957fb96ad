/** What a file says of its fields. */
export interface FileFacts {
  /** Names in the file's order; empty for JSONL, whose records each have their own, and for an empty file. */
  readonly names: readonly string[];
  /** SQL type by field name, of Parquet; the planned fields inside of others by their dotted names. */
  readonly types: ReadonlyMap<string, string>;
  /** Of those, the fields inside of others: a field whose own name has points is none. */
  readonly nested: ReadonlySet<string>;
}

/** What a file says of its fields, as a text. */
export function factsText({ names, types, nested }: FileFacts): string {
  return JSON.stringify({ names, types: [...types], nested: [...nested] });
}

/** What {@link factsText} was made of. */
export function factsOf(text: string): FileFacts {
  const { names, types, nested } = JSON.parse(text) as { names: string[]; types: [string, string][]; nested: string[] };
  return { names, types: new Map(types), nested: new Set(nested) };
}
