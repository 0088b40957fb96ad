import { element, type Markup } from "../markup.ts";
import { type Axis, axes, type ChartOptions, chart, label, line, noData, type Plot, plotOf } from "./frame.ts";
import type { Point } from "./line-chart.ts";
import { marker } from "./marker.ts";
import { formatTick, type Scale, scaleOf } from "./scale.ts";
import { COLORS, seriesStyle } from "./theme.ts";

/** A point of a scatter; its label is written beside it. */
export interface ScatterPoint extends Point {
  readonly label?: string;
}

/** Points of one kind, and a line through them, such as a fit. */
export interface ScatterSeries {
  readonly name: string;
  readonly points: readonly ScatterPoint[];
  /** @default none */
  readonly line?: readonly Point[];
}

/** What {@link scatterChart} draws. */
export interface ScatterChartOptions extends ChartOptions {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly ScatterSeries[];
  /** Marks 0 on both axes, as for differences. @default false */
  readonly zeros?: boolean;
}

interface Maps {
  readonly x: Scale;
  readonly y: Scale;
}

/** Points over two axes, each series with its own mark, colour and line; what is not finite is left out. */
export function scatterChart(options: ScatterChartOptions): Markup {
  const { x, y, series, zeros = false } = options;
  const legend = series.map(({ name }, style) => ({ name, style, marked: true }));
  const plot = plotOf(options, series.length > 1 ? legend : []);
  const points = series.flatMap((one) => [...one.points, ...(one.line ?? [])]).filter(hasPlace);
  // A log axis has no zero.
  const hasZeros = zeros && points.length > 0 && x.scale !== "log" && y.scale !== "log";
  const origin = hasZeros ? [0] : [];
  const maps = {
    x: scaleOf([...points.map((p) => p.x), ...origin], {
      kind: x.scale ?? "linear",
      range: [plot.left, plot.right],
      numTicks: 6,
    }),
    y: scaleOf([...points.map((p) => p.y), ...origin], { kind: y.scale ?? "linear", range: [plot.bottom, plot.top] }),
  };
  const frame = axes(plot, { ...x, map: maps.x }, { ...y, map: maps.y });
  const guides = origin.length === 0 ? null : zeroLines(plot, maps);
  const drawn = series.map((one, style) => element("g", {}, drawLine(one, style, maps), drawPoints(one, style, maps)));
  return chart(options, series.length > 1 ? legend : [], frame, guides, points.length === 0 ? noData(plot) : drawn);
}

function hasPlace({ x, y }: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

function zeroLines({ left, right, top, bottom }: Plot, { x, y }: Maps): readonly Markup[] {
  return [
    line({ x1: x.at(0), x2: x.at(0), y1: top, y2: bottom }, COLORS.muted, "4 4"),
    line({ x1: left, x2: right, y1: y.at(0), y2: y.at(0) }, COLORS.muted, "4 4"),
  ];
}

function drawLine({ line: points = [] }: ScatterSeries, style: number, { x, y }: Maps): Markup | null {
  const placed = points
    .map((point) => ({ x: x.at(point.x), y: y.at(point.y) }))
    .filter(hasPlace)
    .map((at) => `${at.x.toFixed(2)},${at.y.toFixed(2)}`);
  if (placed.length < 2) return null;
  const { color, dash } = seriesStyle(style);
  return element("polyline", {
    points: placed.join(" "),
    style: `fill: none; stroke: ${color}; stroke-width: 2; stroke-dasharray: ${dash}`,
  });
}

function drawPoints({ name, points }: ScatterSeries, style: number, { x, y }: Maps): readonly Markup[] {
  return points.filter(hasPlace).flatMap((point) => {
    const at = { x: x.at(point.x), y: y.at(point.y), radius: 4 };
    if (!Number.isFinite(at.x) || !Number.isFinite(at.y)) return [];
    const short = (value: number): string => formatTick(Number(value.toPrecision(5)));
    const title = element("title", {}, `${point.label ?? name}: ${short(point.x)}, ${short(point.y)}`);
    const text = point.label === undefined ? [] : [label(point.label, { x: at.x + 7, y: at.y + 4, size: 10 })];
    return [marker(style, at, title), ...text];
  });
}
