/** One family of a scaling study: its points, and the lines through them. */
import { MODEL_SIZES, type ModelSize } from "../../config/types.ts";
import { type Drawn, drawnInterval, jointDraws } from "../../metrics/comparison/joint-draws.ts";
import type { Interval } from "../../metrics/comparison/seed-interval.ts";
import { type CostPoint, fitLogLine, frontierOf, type LogLine } from "../../metrics/log-line.ts";
import type { PointCells, StudyPoint } from "../point.ts";

/** What a training costs: FLOPs of matrix products, seconds in updates, bytes of tables' rows that are gathered. */
export const COSTS = ["compute", "seconds", "bytes"] as const;
/** One of {@link COSTS}. */
export type Cost = (typeof COSTS)[number];

/** What a line is drawn against: a cost per example of sizes that learned from equal data, or the examples of one size. */
export type LineAxis = Cost | "examples";

/** A line `NE = intercept − slope · log10 x` through points of one family. */
export interface FamilyLine {
  readonly axis: LineAxis;
  /** Of a line against examples, the size that learned from them; else null. */
  readonly size: ModelSize | null;
  /** NE gained per tenfold x. */
  readonly slope: Interval;
  readonly intercept: Interval;
  /** Whether NE falls beyond doubt: the interval of the slope is above zero. */
  readonly falls: boolean;
  /** Positions of its points in the family. */
  readonly points: readonly number[];
}

/** One model family over its sizes and amounts of data, as plain JSON. */
export interface Family {
  readonly name: string;
  readonly points: readonly StudyPoint[];
  /**
   * Against each cost per example, through the sizes that learned from the most data; and against examples, through the
   * amounts that one size learned from, that with the most of them, and among those the largest. None below two points.
   */
  readonly lines: readonly FamilyLine[];
  /** Positions of the points that no cheaper training of the family is as good as, by rising cost. */
  readonly frontier: Readonly<Record<Cost, readonly number[]>>;
}

/** What a point's training cost; null if that was not measured. */
export function costOfPoint({ cost }: Pick<StudyPoint, "cost">, kind: Cost): number | null {
  return cost[kind];
}

/** Where a point stands on the axis of a line. */
export function placeOf({ cost }: Pick<StudyPoint, "cost">, axis: LineAxis): number {
  if (axis === "examples") return cost.examples;
  return (cost[axis] ?? Number.NaN) / cost.examples;
}

/** The points of one family, with their estimates by seed and their joint draws. */
export class MeasuredFamily {
  readonly name: string;
  readonly points: readonly PointCells[];
  /** Of each point. */
  readonly draws: readonly Drawn[];
  readonly lines: readonly FamilyLine[];

  private constructor(name: string, points: readonly PointCells[], draws: readonly Drawn[]) {
    this.name = name;
    this.points = points;
    this.draws = draws;
    this.lines = [
      ...COSTS.filter((cost) => this.has(cost)).flatMap((axis) => this.#line(this.largest, axis)),
      ...this.#line(this.#amounts(), "examples"),
    ];
  }

  /** The families of a study, in the order of their names, all points of which are drawn jointly. */
  static all(names: readonly string[], points: readonly PointCells[]): readonly MeasuredFamily[] {
    const draws = jointDraws(points.map(({ estimates }) => estimates));
    return names.map((name) => {
      const own = [...points.keys()].filter((at) => points[at]!.point.variant === name);
      return new MeasuredFamily(
        name,
        own.map((at) => points[at]!),
        own.map((at) => draws[at]!),
      );
    });
  }

  /** Positions of the points with the most data. */
  get largest(): readonly number[] {
    const most = Math.max(...this.points.map(({ point }) => point.share));
    return [...this.points.keys()].filter((at) => this.points[at]!.point.share === most);
  }

  /** Whether a cost was measured of all of its points. */
  has(cost: Cost): boolean {
    return this.points.every(({ point }) => costOfPoint(point, cost) !== null);
  }

  /** What its points cost and how good they are, with NE by position; none where that cost was not measured. */
  curve(cost: Cost, entropies: readonly number[]): readonly CostPoint[] {
    if (!this.has(cost)) return [];
    return this.points.map(({ point }, at) => ({
      cost: costOfPoint(point, cost) ?? Number.NaN,
      normalizedEntropy: entropies[at] ?? Number.NaN,
    }));
  }

  /** Positions of the points on the frontier of mean NE against a cost. */
  frontier(cost: Cost): readonly number[] {
    return frontierOf(
      this.curve(
        cost,
        this.points.map(({ point }) => point.normalizedEntropy.mean ?? Number.POSITIVE_INFINITY),
      ),
    );
  }

  /** The line through points whose NE is as given. */
  fit({ points, axis }: Pick<FamilyLine, "points" | "axis">, entropies: readonly number[]): LogLine {
    const costs = points.map((at) => placeOf(this.points[at]!.point, axis));
    return fitLogLine(entropies.map((normalizedEntropy, i) => ({ cost: costs[i] ?? Number.NaN, normalizedEntropy })));
  }

  summary(): Family {
    return {
      name: this.name,
      points: this.points.map(({ point }) => point),
      lines: this.lines,
      frontier: { compute: this.frontier("compute"), seconds: this.frontier("seconds"), bytes: this.frontier("bytes") },
    };
  }

  /** Positions of the amounts of data of one size: that with the most of them, and among those the largest. */
  #amounts(): readonly number[] {
    const all = [...this.points.keys()];
    const ordered = MODEL_SIZES.map((size) => all.filter((at) => this.points[at]!.point.size === size));
    return ordered.reduce((most, own) => (own.length >= most.length ? own : most), []);
  }

  /** None through fewer than two points. */
  #line(points: readonly number[], axis: LineAxis): readonly FamilyLine[] {
    if (points.length < 2) return [];
    const draws = points.map((at) => this.draws[at]!);
    const over = (f: (line: LogLine) => number): Interval =>
      drawnInterval(draws, (entropies) => f(this.fit({ points, axis }, entropies)));
    const slope = over((line) => line.slope);
    const size = axis === "examples" ? this.points[points[0]!]!.point.size : null;
    const falls = slope.low !== null && slope.low > 0;
    return [{ axis, size, slope, intercept: over(({ intercept }) => intercept), falls, points }];
  }
}
