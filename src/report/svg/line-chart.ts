import { element, type Markup } from "../markup.ts";
import { type Axis, axes, type ChartOptions, chart, noData, plotOf } from "./frame.ts";
import { marker } from "./marker.ts";
import { formatTick, type Scale, scaleOf } from "./scale.ts";
import { seriesStyle } from "./theme.ts";

/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A named curve; a point that is not finite (or has no place on a log scale) interrupts it. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** What {@link lineChart} draws. */
export interface LineChartOptions extends ChartOptions {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

/** Curves over a common axis; a piece of one point is a dot, and a curve of few points shows each of them. */
export function lineChart(options: LineChartOptions): Markup {
  const { x, y, series } = options;
  const isEmpty = series.every(({ points: own }) => own.length === 0);
  const legend = series.flatMap((one, style) =>
    one.points.length === 0 && !isEmpty ? [] : [{ name: one.name, style, marked: isMarked(one) }],
  );
  const plot = plotOf(options, legend);
  const points = series.flatMap((one) => one.points).filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y));
  const xMap = scaleOf(
    points.map((p) => p.x),
    { kind: x.scale ?? "linear", range: [plot.left, plot.right], numTicks: 6 },
  );
  const yMap = scaleOf(
    points.map((p) => p.y),
    { kind: y.scale ?? "linear", range: [plot.bottom, plot.top] },
  );
  const curves = series.map((one, i) => curve(one, { style: i, xMap, yMap }));
  const frame = axes(plot, { ...x, map: xMap }, { ...y, map: yMap });
  return chart(options, legend, frame, points.length === 0 ? noData(plot) : curves);
}

/** A curve with few enough points to mark each. */
const MAX_MARKED_POINTS = 16;

function isMarked({ points }: Series): boolean {
  return points.length <= MAX_MARKED_POINTS;
}

interface CurveStyle {
  readonly style: number;
  readonly xMap: Scale;
  readonly yMap: Scale;
}

function curve({ name, points }: Series, { style, xMap, yMap }: CurveStyle): Markup {
  const { color, dash } = seriesStyle(style);
  const placed = points.map((point) => ({ ...point, left: xMap.at(point.x), top: yMap.at(point.y) }));
  const pieces = unbroken(placed);
  const paths = pieces
    .filter((piece) => piece.length > 1)
    .map((piece) =>
      element("polyline", {
        points: piece.map(({ left, top }) => `${left.toFixed(2)},${top.toFixed(2)}`).join(" "),
        style: `fill: none; stroke: ${color}; stroke-width: 2; stroke-dasharray: ${dash}; stroke-linejoin: round`,
      }),
    );
  const marked = pieces.filter((piece) => isMarked({ name, points }) || piece.length === 1).flat();
  const dots = marked.map(({ x, y, left, top }) =>
    marker(
      style,
      { x: left, y: top, radius: 3 },
      element("title", {}, `${name}: ${formatTick(x)}, ${formatTick(Number(y.toPrecision(5)))}`),
    ),
  );
  return element("g", {}, paths, dots);
}

/** The runs of points that have a place. */
function unbroken<P extends { readonly left: number; readonly top: number }>(
  points: readonly P[],
): readonly (readonly P[])[] {
  const pieces: P[][] = [[]];
  for (const point of points) {
    if (Number.isFinite(point.left) && Number.isFinite(point.top)) pieces.at(-1)?.push(point);
    else pieces.push([]);
  }
  return pieces.filter((piece) => piece.length > 0);
}
