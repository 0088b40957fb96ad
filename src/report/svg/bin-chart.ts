import { element, type Markup } from "../markup.ts";
import { type Axis, axes, type ChartOptions, chart, noData, plotOf } from "./frame.ts";
import { formatTick, scaleOf } from "./scale.ts";
import { seriesStyle } from "./theme.ts";

/** A bar from one value to another. */
export interface ChartBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** What {@link binChart} draws. */
export interface BinChartOptions extends ChartOptions {
  readonly x: Axis;
  /** What is counted. */
  readonly y: Axis;
  readonly bins: readonly ChartBin[];
}

/** Bars over an axis, of what was counted before: each as wide as its values, as high as its count. */
export function binChart(options: BinChartOptions): Markup {
  const { x, y, bins } = options;
  const plot = plotOf(options, [], 76);
  const xMap = scaleOf(
    bins.flatMap(({ from, to }) => [from, to]),
    { kind: x.scale ?? "linear", range: [plot.left, plot.right], numTicks: 5 },
  );
  const yMap = scaleOf([0, ...bins.map(({ count }) => count)], { range: [plot.bottom, plot.top] });
  const bars = bins.map(({ from, to, count }) => {
    const [left, right] = [xMap.at(from), xMap.at(to)];
    // One value alone has no width, and a line is seen.
    const width = Math.max(1.5, right - left - 1);
    if (count === 0 || !Number.isFinite(width)) return null;
    const top = yMap.at(count);
    const title = `${short(from)} to ${short(to)}: ${formatTick(count)}`;
    const style = `fill: ${seriesStyle(0).color}`;
    return element("rect", { x: left, y: top, width, height: plot.bottom - top, style }, element("title", {}, title));
  });
  const frame = axes(plot, { ...x, map: xMap }, { ...y, map: yMap });
  return chart(options, [], frame, bins.every(({ count }) => count === 0) ? noData(plot) : bars);
}

function short(value: number): string {
  return formatTick(Number(value.toPrecision(4)));
}
