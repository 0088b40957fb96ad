import { element, type Markup } from "../markup.ts";
import { type Axis, axes, type ChartOptions, chart, line, MARGIN, noData, type Plot, plotOf, sizeOf } from "./frame.ts";
import { marker } from "./marker.ts";
import { formatTick, type Scale, type ScaleKind, scaleOf } from "./scale.ts";
import { COLORS, seriesStyle } from "./theme.ts";

/** One bin: mean prediction, observed share, and the interval of the latter. */
export interface CalibrationPoint {
  readonly prediction: number;
  readonly observed: number;
  readonly low: number;
  readonly high: number;
}

/** What {@link calibrationPlot} draws. */
export interface CalibrationPlotOptions extends ChartOptions {
  readonly series: readonly { readonly name: string; readonly points: readonly CalibrationPoint[] }[];
  /** Log for rare events; bins without a positive label have no place on it. @default "linear" */
  readonly scale?: ScaleKind;
}

/** Reliability diagram: observed share against mean prediction, with the diagonal of perfect calibration. */
export function calibrationPlot(given: CalibrationPlotOptions): Markup {
  const { scale: kind = "linear", series } = given;
  const options = { ...given, height: given.height ?? 440 };
  const legend = series.map(({ name }, style) => ({ name, style, marked: true }));
  const plot = squareOf(plotOf(options, legend), sizeOf(options).width);
  const points = series.flatMap((one) => one.points);
  const values = points.flatMap(({ prediction, observed, low, high }) => [
    prediction,
    observed,
    kind === "log" ? observed : low,
    high,
  ]);
  // One domain for both axes, or the diagonal would not be one.
  const x = scaleOf(values, { kind, range: [plot.left, plot.right] });
  const y = scaleOf(values, { kind, range: [plot.bottom, plot.top] });
  const axis = (label: string, map: Scale): Axis & { readonly map: Scale } => ({ label, map });
  const diagonal = line({ x1: plot.left, y1: plot.bottom, x2: plot.right, y2: plot.top }, COLORS.muted, "4 4");
  const marks = series.map((one, i) =>
    one.points.map((point) => mark(point, { name: one.name, style: i, x, y, plot })),
  );
  const frame = axes(plot, axis("mean prediction", x), axis("observed share", y));
  return chart(options, legend, frame, diagonal, points.length === 0 ? noData(plot) : marks);
}

interface MarkOptions {
  readonly name: string;
  readonly style: number;
  readonly x: Scale;
  readonly y: Scale;
  readonly plot: Plot;
}

function mark(
  { prediction, observed, low, high }: CalibrationPoint,
  { name, style, x, y, plot }: MarkOptions,
): Markup | null {
  const [cx, cy] = [x.at(prediction), y.at(observed)];
  if (!Number.isFinite(cx) || !Number.isFinite(cy)) return null;
  const { color } = seriesStyle(style);
  // A lower end of 0 is infinitely far down on a log scale.
  const bottom = Math.min(plot.bottom, Number.isFinite(y.at(low)) ? y.at(low) : plot.bottom);
  const text = `${name}: predicted ${formatTick(Number(prediction.toPrecision(3)))}, observed ${formatTick(Number(observed.toPrecision(3)))}`;
  const interval = Number.isFinite(y.at(high))
    ? element("line", {
        x1: cx,
        x2: cx,
        y1: y.at(high),
        y2: bottom,
        style: `stroke: ${color}; stroke-width: 1.5; opacity: 0.6`,
      })
    : null;
  return element("g", {}, interval, marker(style, { x: cx, y: cy, radius: 3.5 }, element("title", {}, text)));
}

function squareOf(plot: Plot, width: number): Plot {
  const side = Math.min(width - MARGIN - plot.left, plot.bottom - plot.top);
  return { left: plot.left, top: plot.bottom - side, right: plot.left + side, bottom: plot.bottom };
}
