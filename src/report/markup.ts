/**
 * Text that is known to be well-formed HTML or SVG. It is made by {@link element} only, which escapes whatever is not
 * `Markup` already, so no page can be broken by a name in the data.
 */
export class Markup {
  readonly source: string;

  /** @internal */
  constructor(source: string) {
    this.source = source;
  }

  toString(): string {
    return this.source;
  }
}

/** What an element may hold: text and numbers are escaped, null is nothing. */
export type Child = Markup | string | number | null | readonly Child[];

/** Attributes of an element; null leaves one out. */
export type Attributes = Readonly<Record<string, string | number | null>>;

/** Elements of HTML that have no content and no closing tag. */
const VOID_ELEMENTS: ReadonlySet<string> = new Set(["meta", "br", "hr"]);

/** Control characters that neither HTML nor XML may hold. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Text with `& < > " '` as entities and forbidden control characters removed: safe as content and in attributes. */
export function escapeText(text: string): string {
  return text
    .replace(FORBIDDEN, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** `<name attributes>children</name>`, everything escaped. */
export function element(name: string, attributes: Attributes, ...children: readonly Child[]): Markup {
  const pairs = Object.entries(attributes).filter(([, value]) => value !== null);
  const open = [name, ...pairs.map(([key, value]) => `${key}="${escapeText(formatAttribute(value))}"`)].join(" ");
  if (VOID_ELEMENTS.has(name)) return new Markup(`<${open}>`);
  return new Markup(`<${open}>${children.map(render).join("")}</${name}>`);
}

/** A CSS rule set of our own, never of data: it is not escaped. @internal */
export function styleSheet(css: string): Markup {
  return new Markup(`<style>${css}</style>`);
}

function render(child: Child): string {
  if (child === null) return "";
  if (child instanceof Markup) return child.source;
  if (typeof child === "object") return child.map(render).join("");
  return escapeText(String(child));
}

/** Coordinates to a hundredth of a pixel: enough to draw, and files stay small. */
function formatAttribute(value: string | number | null): string {
  return typeof value === "number" ? String(Math.round(value * 100) / 100) : String(value);
}
