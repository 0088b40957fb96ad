/**
 * Framed text has one record per line and no quoting, so what would end a line or a field inside of a field is
 * written as ESC and a letter.
 */
export const ESC = 0x1b;

const LF = 0x0a;
const CR = 0x0d;

/** The letter after ESC by what it stands for. */
const LETTERS = { escape: "e", lineFeed: "n", carriageReturn: "r", delimiter: "d", backslash: "s", bom: "b" } as const;

/** Codes of the bytes that cannot stand in a field of framed text: 0 where the byte stands for itself. */
export function escapeCodes(delimiter: number): Uint8Array {
  const codes = new Uint8Array(256);
  codes[ESC] = LETTERS.escape.charCodeAt(0);
  codes[LF] = LETTERS.lineFeed.charCodeAt(0);
  codes[CR] = LETTERS.carriageReturn.charCodeAt(0);
  codes[delimiter] = LETTERS.delimiter.charCodeAt(0);
  return codes;
}

/** A backslash that is data, where `\N` is a null marker. */
export const BACKSLASH_CODE = LETTERS.backslash.charCodeAt(0);

/** U+FEFF at the very start of framed text, which DuckDB would remove as a byte order mark. */
export const ESCAPED_BOM = Buffer.of(ESC, LETTERS.bom.charCodeAt(0));

/** What each sequence stands for; ESC itself last, so that no sequence arises from another one's text. */
function sequences(delimiter: string): readonly (readonly [letter: string, text: string])[] {
  return [
    [LETTERS.lineFeed, "\n"],
    [LETTERS.carriageReturn, "\r"],
    [LETTERS.delimiter, delimiter],
    [LETTERS.backslash, "\\"],
    [LETTERS.bom, "\uFEFF"],
    [LETTERS.escape, "\x1b"],
  ];
}

/**
 * SQL of a field's text, from SQL of a column of escaped framed text. Null markers as `\N` are compared with the
 * column before it is unescaped.
 */
export function unescapeSql(column: string, delimiter: string): string {
  const replaced = sequences(delimiter).reduce(
    (sql, [letter, text]) => `replace(${sql}, chr(27) || '${letter}', ${charactersSql(text)})`,
    column,
  );
  return `CASE WHEN contains(${column}, chr(27)) THEN ${replaced} ELSE ${column} END`;
}

function charactersSql(text: string): string {
  return [...text].map((character) => `chr(${character.codePointAt(0)})`).join(" || ");
}

/** The text of an escaped field. */
export function unescapeText(text: string, delimiter: string): string {
  if (!text.includes("\x1b")) return text;
  return sequences(delimiter).reduce((out, [letter, plain]) => out.replaceAll(`\x1b${letter}`, plain), text);
}
