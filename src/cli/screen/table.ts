/** One cell of a table; numbers are written before they come here. */
export type Cell = string;

/** How the cells of a column stand. */
export type Align = "left" | "right";

/**
 * A table as lines: columns two spaces apart, each as wide as its widest cell, the header underlined. Columns without
 * an alignment stand left; no line ends in spaces.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  aligns: readonly Align[] = [],
): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly Cell[]): string =>
    widths
      .map((width, i) => (aligns[i] === "right" ? (cells[i] ?? "").padStart(width) : (cells[i] ?? "").padEnd(width)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [line(header), rule, ...rows.map(line)].join("\n");
}

/** Names and values below each other, the values in one column. */
export function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join("\n");
}
