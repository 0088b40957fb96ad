/**
 * Hydra's override grammar: `key=value` with quoted and unquoted text, numbers, true, false, null, lists and dicts.
 * Left out, because they choose between runs or configuration files: sweeps, functions, groups and packages.
 */

/** What an override does: `a=1` sets, `+a=1` adds what is not there, `++a=1` does either, `~a` deletes. */
export type OverrideAction = "set" | "add" | "setOrAdd" | "delete";

/** One parsed override. */
export interface Override {
  readonly action: OverrideAction;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Ends the parse: what was expected and found at a position of the text. */
export type OverrideFailure = (position: number, expected: string, got: string) => never;

const PREFIXES = { "": "set", "+": "add", "++": "setOrAdd", "~": "delete" } as const;
const INTEGER = /^[+-]?(0|[1-9](_?\d)*)$/;
const FLOAT = /^[+-]?((\d(_?\d)*)?\.\d(_?\d)*|\d(_?\d)*\.?)([eE][+-]?\d+)?$/;
/** Lists and dicts deeper than this are no configuration, and would overflow the stack. */
const MAX_DEPTH = 64;

/** The override that `text` says. O(|text|) time. */
export function parseOverride(text: string, fail: OverrideFailure): Override {
  const [, prefix = "", key = ""] = /^(~|\+{0,2})([^=\s]*)/.exec(text) ?? [];
  const action: OverrideAction = PREFIXES[prefix as keyof typeof PREFIXES];
  const path = key.split(".");
  const end = prefix.length + key.length;
  const bad = path.findIndex((part) => !/^[\p{L}\p{N}_$][\p{L}\p{N}_$-]*$/u.test(part));
  if (bad >= 0)
    fail(
      prefix.length + path.slice(0, bad).join(".").length + (bad > 0 ? 1 : 0),
      "a key such as training.epochs",
      path[bad] || "nothing",
    );
  if (end === text.length && action === "delete") return { action, path, value: null };
  if (text[end] !== "=") fail(end, action === "delete" ? "the end" : "=", text[end] ?? "the end");
  // As in Hydra, `~key=value` deletes too; the value is only a reminder.
  return { action, path, value: new ValueParser(text, end + 1, fail).parse() };
}

/** Recursive descent over the value's text. */
class ValueParser {
  readonly #text: string;
  readonly #fail: OverrideFailure;
  #at: number;

  constructor(text: string, at: number, fail: OverrideFailure) {
    this.#text = text;
    this.#at = at;
    this.#fail = fail;
  }

  parse(): unknown {
    this.#skipSpaces();
    // As in Hydra, nothing after the sign is the empty text.
    const value = this.#at === this.#text.length ? "" : this.#element(0);
    this.#skipSpaces();
    if (this.#at < this.#text.length) this.#stop("the end");
    return value;
  }

  #element(depth: number): unknown {
    if (depth > MAX_DEPTH) this.#stop(`at most ${MAX_DEPTH} levels`);
    this.#skipSpaces();
    const next = this.#text[this.#at];
    if (next === "[") return this.#list(depth);
    if (next === "{") return this.#dict(depth);
    if (next === '"' || next === "'") return this.#quoted(next);
    return toPrimitive(this.#unquoted(/[^\\,()[\]{}='"]/u));
  }

  #list(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#sequence("]", () => items.push(this.#element(depth + 1)));
    return items;
  }

  #dict(depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.#sequence("}", () => {
      this.#skipSpaces();
      const quote = this.#text[this.#at];
      const key = quote === '"' || quote === "'" ? this.#quoted(quote) : this.#unquoted(/[^\\,()[\]{}='":]/u).text;
      if (entries.some(([known]) => known === key)) this.#stop(`${key} only once`);
      this.#skipSpaces();
      this.#take(":");
      entries.push([key, this.#element(depth + 1)]);
    });
    // fromEntries defines own keys, so __proto__ stays a key that the checks then refuse.
    return Object.fromEntries(entries);
  }

  /** `open item, item close`, the opening sign being the next character. */
  #sequence(close: string, item: () => void): void {
    this.#at++;
    this.#skipSpaces();
    if (this.#text[this.#at] !== close) {
      item();
      this.#skipSpaces();
      while (this.#text[this.#at] === ",") {
        this.#at++;
        item();
        this.#skipSpaces();
      }
    }
    this.#take(close);
  }

  /** Text in quotes; a backslash before a quote or a backslash takes it literally, other backslashes stay. */
  #quoted(quote: string): string {
    const start = this.#at++;
    let result = "";
    while (this.#text[this.#at] !== quote) {
      if (this.#at >= this.#text.length) this.#fail(start, `a closing ${quote}`, "the end");
      const next = this.#text[this.#at + 1];
      if (this.#text[this.#at] === "\\" && (next === quote || next === "\\")) this.#at++;
      result += this.#text[this.#at++];
    }
    this.#at++;
    return result;
  }

  /** Text without quotes up to a special sign; a backslash takes the next character literally. Spaces around it go. */
  #unquoted(allowed: RegExp): { text: string; escaped: boolean } {
    let text = "";
    // Spaces are dropped only at the end, and only those that were not escaped.
    let kept = 0;
    let escaped = false;
    for (let next = this.#text[this.#at]; next !== undefined; next = this.#text[this.#at]) {
      if (next === "\\" && this.#at + 1 < this.#text.length) {
        text += this.#text[this.#at + 1];
        this.#at += 2;
        kept = text.length;
        escaped = true;
      } else if (allowed.test(next)) {
        text += next;
        this.#at++;
        if (!/\s/.test(next)) kept = text.length;
      } else break;
    }
    if (kept === 0) this.#stop("a value");
    return { text: text.slice(0, kept), escaped };
  }

  #take(sign: string): void {
    if (this.#text[this.#at] !== sign) this.#stop(sign);
    this.#at++;
  }

  #skipSpaces(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #stop(expected: string): never {
    return this.#fail(this.#at, expected, this.#text[this.#at] ?? "the end");
  }
}

/** null, true, false, a number, or else the text itself. An escape makes it text. */
function toPrimitive({ text, escaped }: { text: string; escaped: boolean }): unknown {
  if (escaped) return text;
  const lower = text.toLowerCase();
  if (lower === "null") return null;
  if (lower === "true" || lower === "false") return lower === "true";
  if (/^[+-]?inf$/.test(lower)) return lower.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[+-]?nan$/.test(lower)) return Number.NaN;
  if (INTEGER.test(text) || (FLOAT.test(text) && /[.eE]/.test(text))) return Number(text.replaceAll("_", ""));
  return text;
}
