import { element, type Markup } from "../markup.ts";
import { type Axis, axes, type ChartOptions, chart, noData, plotOf } from "./frame.ts";
import { formatTick, scaleOf } from "./scale.ts";
import { seriesStyle } from "./theme.ts";

/** What {@link histogram} draws. */
export interface HistogramOptions extends ChartOptions {
  readonly x: Axis;
  /** Values that are not finite (or ≤ 0 on a log scale) are left out. */
  readonly values: ArrayLike<number>;
  /** Bars of equal width over the axis. @default 30 */
  readonly bins?: number;
}

/** Number of values in bins of equal width on the axis' scale. */
export function histogram(options: HistogramOptions): Markup {
  const { x, bins = 30 } = options;
  const plot = plotOf(options, []);
  const xMap = scaleOf(Array.from(options.values), {
    kind: x.scale ?? "linear",
    range: [plot.left, plot.right],
    numTicks: 6,
  });
  const counts = countBins(
    Array.from(options.values, (value) => (xMap.at(value) - plot.left) / (plot.right - plot.left)),
    bins,
  );
  const yMap = scaleOf([0, ...counts], { range: [plot.bottom, plot.top] });
  const width = (plot.right - plot.left) / bins;
  const bars = counts.map((count, bin) =>
    count === 0
      ? null
      : element(
          "rect",
          {
            x: plot.left + bin * width + 0.5,
            y: yMap.at(count),
            width: width - 1,
            height: plot.bottom - yMap.at(count),
            style: `fill: ${seriesStyle(0).color}`,
          },
          element("title", {}, formatTick(count)),
        ),
  );
  const frame = axes(plot, { ...x, map: xMap }, { label: "count", map: yMap });
  return chart(options, [], frame, counts.every((count) => count === 0) ? noData(plot) : bars);
}

/** Number of shares of [0, 1] in each of `bins` equal parts; 1 belongs to the last, and NaN to none. */
export function countBins(shares: readonly number[], bins: number): readonly number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (const share of shares) {
    if (!(share >= 0 && share <= 1)) continue;
    const bin = Math.min(bins - 1, Math.floor(share * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
