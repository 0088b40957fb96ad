/**
 * Colours of the charts as CSS variables, so that a page may set them for light and dark; the second value is used
 * where no page does. All series colours have at least 3:1 contrast to their ground and differ for the colour-blind;
 * lines differ in their dashes and points in their shapes as well, for print.
 */
export const COLORS = {
  ink: "var(--chart-ink, #1f2328)",
  muted: "var(--chart-muted, #59636e)",
  grid: "var(--chart-grid, #e3e7ec)",
  ground: "var(--chart-ground, #ffffff)",
} as const;

const SERIES = [
  "var(--chart-1, #0b62b8)",
  "var(--chart-2, #c44e00)",
  "var(--chart-3, #00795a)",
  "var(--chart-4, #a6437f)",
  "var(--chart-5, #8a6a00)",
  "var(--chart-6, #5b4fc4)",
] as const;

/** Dash patterns; the first series is solid. */
const DASHES = ["none", "7 3", "2 3", "9 3 2 3", "4 2", "12 3"] as const;

/** Values of the variables on a dark ground. */
export const DARK_VARIABLES: string = [
  "--chart-ink: #e6edf3; --chart-muted: #9da7b3; --chart-grid: #2c333c; --chart-ground: #161b22;",
  "--chart-1: #6cb6ff; --chart-2: #ff9e64; --chart-3: #4cc9a0;",
  "--chart-4: #f08cc0; --chart-5: #e0c35c; --chart-6: #b3a6ff;",
].join(" ");

/** How series number `index` is drawn; beyond six they repeat. */
export function seriesStyle(index: number): { readonly color: string; readonly dash: string } {
  return {
    color: SERIES[index % SERIES.length] ?? COLORS.ink,
    dash: DASHES[index % DASHES.length] ?? "none",
  };
}
