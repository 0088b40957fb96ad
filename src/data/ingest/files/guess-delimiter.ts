const CANDIDATES = { ";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas" } as const;

/** A character that may separate fields, and what several of it are called. */
export interface GuessedDelimiter {
  readonly delimiter: string;
  readonly name: string;
}

/** The delimiter that a header of one field seems to have: of `;`, tab, `|` and `,` the most frequent, or null. */
export function guessDelimiter(header: string): GuessedDelimiter | null {
  const counts = Object.entries(CANDIDATES).map(([delimiter, name]) => ({
    delimiter,
    name,
    count: header.split(delimiter).length - 1,
  }));
  const [best] = counts.sort((a, b) => b.count - a.count);
  return best === undefined || best.count === 0 ? null : { delimiter: best.delimiter, name: best.name };
}
