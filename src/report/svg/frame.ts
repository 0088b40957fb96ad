import { type Child, element, type Markup } from "../markup.ts";
import { marker } from "./marker.ts";
import { formatTick, type Scale, type ScaleKind } from "./scale.ts";
import { COLORS, seriesStyle } from "./theme.ts";

/** What an axis measures. */
export interface Axis {
  readonly label: string;
  /** Written after the label in brackets. */
  readonly unit?: string;
  /** @default "linear" */
  readonly scale?: ScaleKind;
}

/** What every chart is given. */
export interface ChartOptions {
  readonly title: string;
  /** Size of the drawing; it scales with the page. @unit px @default 420 × 290 */
  readonly width?: number;
  readonly height?: number;
}

/** The rectangle that data are drawn in. @unit px */
export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How a series is told apart in the legend. */
export interface LegendEntry {
  readonly name: string;
  /** Number of the series' style. */
  readonly style: number;
  /** Whether its points are marked, and so its entry. */
  readonly marked: boolean;
}

const FONT = "font-family: system-ui, -apple-system, 'Segoe UI', sans-serif;";
const LEGEND_ROW = 18;
/** Right of the data: half of the last tick's text. @unit px */
export const MARGIN = 28;
/** Mean width of a character at 12 px. @unit px */
const CHARACTER = 7.2;

/** Size of a chart. By default it is narrow, so that its text can be read on a phone. */
export function sizeOf({ width = 420, height = 290 }: ChartOptions): {
  readonly width: number;
  readonly height: number;
} {
  return { width, height };
}

/** Place of each legend entry, in rows as wide as the chart. */
function legendPlaces(
  entries: readonly LegendEntry[],
  width: number,
): readonly { readonly x: number; readonly row: number }[] {
  let x = 0;
  let row = 0;
  return entries.map(({ name }) => {
    const entryWidth = 44 + name.length * CHARACTER;
    if (x > 0 && x + entryWidth > width) {
      x = 0;
      row++;
    }
    const place = { x, row };
    x += entryWidth;
    return place;
  });
}

/** The data's rectangle, with room for title, legend, ticks and labels. */
export function plotOf(options: ChartOptions, legend: readonly LegendEntry[], left = 64): Plot {
  const { width, height } = sizeOf(options);
  const rows = (legendPlaces(legend, width - left - MARGIN).at(-1)?.row ?? -1) + 1;
  return { left, top: 40 + rows * LEGEND_ROW, right: width - MARGIN, bottom: height - 48 };
}

/** The whole drawing: ground, title, legend and what is given. */
export function chart(options: ChartOptions, legend: readonly LegendEntry[], ...children: readonly Child[]): Markup {
  const { width, height } = sizeOf(options);
  const { left } = plotOf(options, legend);
  const places = legendPlaces(legend, width - left - MARGIN);
  const entries = legend.map((entry, i) =>
    legendEntry(entry, { x: left + (places[i]?.x ?? 0), y: 44 + (places[i]?.row ?? 0) * LEGEND_ROW }),
  );
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": options.title,
      style: `width: 100%; max-width: ${width}px; height: auto; ${FONT}`,
    },
    element("rect", { width, height, style: `fill: ${COLORS.ground}` }),
    label(options.title, { x: left, y: 22, size: 15, weight: 600, color: COLORS.ink }),
    entries,
    children,
  );
}

function legendEntry(
  { name, style, marked }: LegendEntry,
  { x, y }: { readonly x: number; readonly y: number },
): Markup {
  const { color, dash } = seriesStyle(style);
  return element(
    "g",
    {},
    element("line", {
      x1: x,
      x2: x + 24,
      y1: y,
      y2: y,
      style: `stroke: ${color}; stroke-width: 2.5; stroke-dasharray: ${dash}`,
    }),
    marked ? marker(style, { x: x + 12, y, radius: 3.5 }) : null,
    label(name, { x: x + 30, y: y + 4, color: COLORS.ink }),
  );
}

/** Place and look of a text. */
export interface LabelOptions {
  readonly x: number;
  readonly y: number;
  readonly anchor?: "start" | "middle" | "end";
  readonly size?: number;
  readonly weight?: number;
  readonly color?: string;
  readonly transform?: string;
}

/** A text at a place. */
export function label(text: string, options: LabelOptions): Markup {
  const { x, y, anchor = "start", size = 12, weight = 400, color = COLORS.muted, transform = null } = options;
  const style = `fill: ${color}; font-size: ${size}px; font-weight: ${weight}; font-variant-numeric: tabular-nums`;
  return element("text", { x, y, "text-anchor": anchor, transform, style }, text);
}

/** Both axes with grid lines, ticks and labels. */
export function axes(plot: Plot, x: Axis & { readonly map: Scale }, y: Axis & { readonly map: Scale }): Markup {
  return element("g", {}, horizontalAxis(plot, x), verticalAxis(plot, y));
}

/** The axis below the data, with upright grid lines. */
export function horizontalAxis(
  { left, top, right, bottom }: Plot,
  { map, ...axis }: Axis & { readonly map: Scale },
): Markup {
  const ticks = map.ticks.map((tick) => [
    line({ x1: map.at(tick), x2: map.at(tick), y1: top, y2: bottom }, COLORS.grid),
    label(formatTick(tick), { x: map.at(tick), y: bottom + 18, anchor: "middle" }),
  ]);
  const name = label(axisText(axis), { x: (left + right) / 2, y: bottom + 38, anchor: "middle" });
  return element("g", {}, ticks, line({ x1: left, x2: right, y1: bottom, y2: bottom }, COLORS.muted), name);
}

function verticalAxis({ left, top, right, bottom }: Plot, { map, ...axis }: Axis & { readonly map: Scale }): Markup {
  const ticks = map.ticks.map((tick) => [
    line({ x1: left, x2: right, y1: map.at(tick), y2: map.at(tick) }, COLORS.grid),
    label(formatTick(tick), { x: left - 8, y: map.at(tick) + 4, anchor: "end" }),
  ]);
  const middle = (top + bottom) / 2;
  const name = label(axisText(axis), { x: 14, y: middle, anchor: "middle", transform: `rotate(-90 14 ${middle})` });
  return element("g", {}, ticks, name);
}

/** A straight line of one pixel. */
export function line(ends: Readonly<Record<"x1" | "x2" | "y1" | "y2", number>>, color: string, dash = "none"): Markup {
  return element("line", { ...ends, style: `stroke: ${color}; stroke-width: 1; stroke-dasharray: ${dash}` });
}

/** Said in the middle of a chart that has nothing to show. */
export function noData({ left, top, right, bottom }: Plot): Markup {
  return label("no data", { x: (left + right) / 2, y: (top + bottom) / 2, anchor: "middle", size: 14 });
}

function axisText({ label: text, unit }: Axis): string {
  return unit ? `${text} (${unit})` : text;
}
