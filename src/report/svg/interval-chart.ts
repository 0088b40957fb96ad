import { element, type Markup } from "../markup.ts";
import {
  type Axis,
  type ChartOptions,
  chart,
  horizontalAxis,
  label,
  line,
  noData,
  type Plot,
  plotOf,
} from "./frame.ts";
import { formatTick, type Scale, scaleOf } from "./scale.ts";
import { COLORS, seriesStyle } from "./theme.ts";

/** One row: a value with its interval; a value that is null or not finite leaves the row empty. */
export interface IntervalRow {
  readonly label: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** What {@link intervalChart} draws. */
export interface IntervalChartOptions extends ChartOptions {
  readonly x: Axis;
  readonly rows: readonly IntervalRow[];
  /** A value to compare with, drawn as a dashed line; 0 for differences. */
  readonly reference?: number;
}

const ROW_HEIGHT = 28;

/** Points with intervals, one row each, as for the differences between models. As high as its rows need. */
export function intervalChart(options: IntervalChartOptions): Markup {
  const { x, rows, reference } = options;
  const sized = { ...options, height: options.height ?? 100 + Math.max(2, rows.length) * ROW_HEIGHT };
  const longest = Math.max(0, ...rows.map((row) => row.label.length));
  const plot = plotOf(sized, [], Math.min(260, 24 + longest * 7));
  const values = rows
    .flatMap(({ value, low, high }) => [value, low, high])
    .filter((v) => v !== null && Number.isFinite(v));
  const shown = values.flatMap((v) => (v === null ? [] : [v]));
  const map = scaleOf(reference === undefined || shown.length === 0 ? shown : [...shown, reference], {
    kind: x.scale ?? "linear",
    range: [plot.left, plot.right],
  });
  const height = (plot.bottom - plot.top) / Math.max(1, rows.length);
  const drawn = rows.map((row, i) => drawRow(row, { map, plot, y: plot.top + (i + 0.5) * height }));
  const at = reference === undefined ? Number.NaN : map.at(reference);
  const guide = Number.isFinite(at)
    ? line({ x1: at, x2: at, y1: plot.top, y2: plot.bottom }, COLORS.muted, "4 4")
    : null;
  return chart(sized, [], horizontalAxis(plot, { ...x, map }), guide, drawn, shown.length === 0 ? noData(plot) : null);
}

interface RowOptions {
  readonly map: Scale;
  readonly plot: Plot;
  readonly y: number;
}

function drawRow(row: IntervalRow, { map, plot, y }: RowOptions): Markup {
  const { color } = seriesStyle(0);
  const [cx, x1, x2] = [row.value, row.low, row.high].map((v) => (v === null ? Number.NaN : map.at(v)));
  const name = label(row.label, { x: plot.left - 12, y: y + 4, anchor: "end", color: COLORS.ink });
  const interval =
    x1 !== undefined && x2 !== undefined && Number.isFinite(x1) && Number.isFinite(x2)
      ? element("line", { x1, x2, y1: y, y2: y, style: `stroke: ${color}; stroke-width: 2.5; stroke-linecap: round` })
      : null;
  const dot =
    cx !== undefined && Number.isFinite(cx)
      ? element("circle", { cx, cy: y, r: 5, style: `fill: ${color}` }, element("title", {}, rowText(row)))
      : null;
  return element("g", {}, name, interval, dot);
}

function rowText({ label: name, value, low, high }: IntervalRow): string {
  const text = (v: number | null): string => (v === null ? "–" : formatTick(Number(v.toPrecision(4))));
  return `${name}: ${text(value)} [${text(low)}, ${text(high)}]`;
}
