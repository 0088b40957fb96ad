import { PAGE_CSS } from "./html-style.ts";
import { type Child, element, type Markup, styleSheet } from "./markup.ts";

/** What a table cell shows: numbers are aligned and written with the column's digits, null is a dash. */
export type Cell = string | number | null;

/** A column of a table. */
export interface TableColumn {
  readonly label: string;
  /** Digits after the point of its numbers; without it numbers are written as they are. */
  readonly digits?: number;
  /** Whether its cells are sentences, which may stand in several lines. @default false */
  readonly wraps?: boolean;
}

/** A part of a page. */
export type Section =
  | { readonly kind: "heading"; readonly text: string; readonly level?: 2 | 3 }
  | { readonly kind: "paragraph"; readonly text: string }
  | {
      readonly kind: "table";
      readonly caption: string;
      readonly columns: readonly TableColumn[];
      readonly rows: readonly (readonly Cell[])[];
    }
  | { readonly kind: "figure"; readonly chart: Markup; readonly caption?: string };

/** A whole page. */
export interface Page {
  readonly title: string;
  /** A line below the title: what was run, when, on what data. */
  readonly subtitle?: string;
  readonly sections: readonly Section[];
}

/** The page as one HTML file: styles inside, nothing loaded from elsewhere, no script, all text escaped. */
export function htmlPage({ title, subtitle, sections }: Page): string {
  const head = element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "color-scheme", content: "light dark" }),
    element("title", {}, title),
    styleSheet(PAGE_CSS),
  );
  const header = element("header", {}, element("h1", {}, title), subtitle ? element("p", {}, subtitle) : null);
  const body = element("body", {}, element("main", {}, header, contents(sections), joinFigures(sections)));
  return `<!doctype html>\n${element("html", { lang: "en" }, head, body)}\n`;
}

/** Links to the headings, if there are enough to need them. */
function contents(sections: readonly Section[]): Markup | null {
  const links = sections.flatMap((section, i) =>
    section.kind === "heading" && (section.level ?? 2) === 2 ? [element("a", { href: `#s${i}` }, section.text)] : [],
  );
  return links.length < 3 ? null : element("nav", {}, links);
}

/** Figures that follow each other share a row where the page is wide enough. */
function joinFigures(sections: readonly Section[]): Child {
  const parts: Markup[] = [];
  let figures: Markup[] = [];
  const endRow = (): void => {
    if (figures.length > 0) parts.push(element("div", { class: "figures" }, figures));
    figures = [];
  };
  sections.forEach((section, i) => {
    if (section.kind === "figure") {
      figures.push(figure(section));
      return;
    }
    endRow();
    parts.push(block(section, i));
  });
  endRow();
  return parts;
}

function figure({ chart, caption }: Extract<Section, { readonly kind: "figure" }>): Markup {
  return element("figure", {}, chart, caption ? element("figcaption", {}, caption) : null);
}

function block(section: Exclude<Section, { readonly kind: "figure" }>, index: number): Markup {
  switch (section.kind) {
    case "heading":
      return element(`h${section.level ?? 2}`, { id: `s${index}` }, section.text);
    case "paragraph":
      return element("p", {}, section.text);
    case "table":
      return table(section);
  }
}

function table({ caption, columns, rows }: Extract<Section, { readonly kind: "table" }>): Markup {
  const numeric = columns.map((column, c) => isNumeric(column, rows, c));
  const alignment = (c: number): string | null => (numeric[c] ? "number" : columns[c]?.wraps ? "sentence" : null);
  const head = columns.map((column, c) => element("th", { scope: "col", class: alignment(c) }, column.label));
  const body = rows.map((row) =>
    element(
      "tr",
      {},
      columns.map((column, c) =>
        element("td", { class: alignment(c), "data-label": column.label }, cellText(row[c] ?? null, column)),
      ),
    ),
  );
  const content = [
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, head)),
    element(
      "tbody",
      {},
      body.length > 0 ? body : element("tr", {}, element("td", { colspan: columns.length }, "no rows")),
    ),
  ];
  return element(
    "div",
    { class: "table", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {}, content),
  );
}

/** Numbers written as text: shares, and what is an estimate. */
const NUMBER_TEXT = /^(≈ |under |over )?[+−-]?\d[\d,]*(\.\d+)?%?$/;

/** Whether a column has numbers, whatever its first row says. One without a value has them if it has digits for them. */
function isNumeric({ digits }: TableColumn, rows: readonly (readonly Cell[])[], c: number): boolean {
  const cells = rows.map((row) => row[c] ?? null).filter((cell) => cell !== null);
  if (cells.length === 0) return digits !== undefined;
  return cells.some((cell) => typeof cell === "number") || cells.every((cell) => NUMBER_TEXT.test(String(cell)));
}

function cellText(cell: Cell, { digits }: TableColumn): string {
  if (cell === null || (typeof cell === "number" && !Number.isFinite(cell))) return "–";
  if (typeof cell === "string") return cell;
  const text = digits === undefined ? String(cell) : cell.toFixed(digits);
  if (text.includes("e")) return text.replaceAll("-", "−");
  const [whole = "", fraction] = text.replace("-", "−").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
