/** A map from values to pixels with the values at which it is marked. */
export interface Scale {
  readonly ticks: readonly number[];
  /** Pixel of a value; NaN where the scale has no place for it (outside its ends, not finite, or ≤ 0 on a log scale). */
  readonly at: (value: number) => number;
}

/** Whether equal distances are equal differences or equal ratios. */
export type ScaleKind = "linear" | "log";

/** Bounds of what is drawn: beyond them sums overflow and powers of ten underflow. */
const LARGEST = 1e300;
const SMALLEST = 1e-300;

/** What a scale must show and where. */
export interface ScaleOptions {
  readonly kind?: ScaleKind;
  /** Pixels of the low and the high end. */
  readonly range: readonly [number, number];
  /** Ticks wanted, about. @default 5 */
  readonly numTicks?: number;
}

/** A scale with round ends around all finite values; [0, 1] (log: [1, 10]) if there are none. */
export function scaleOf(values: Iterable<number>, { kind = "linear", range, numTicks = 5 }: ScaleOptions): Scale {
  const shown = [...values].filter((value) => hasPlace(value, kind));
  const domain = extent(shown) ?? (kind === "linear" ? [0, 1] : [1, 10]);
  const marks = kind === "linear" ? niceTicks(domain, numTicks) : logMarks(domain);
  const position = kind === "linear" ? (v: number): number => v : Math.log10;
  const low = position(marks[0] ?? 0);
  const high = position(marks.at(-1) ?? 1);
  const at = (value: number): number => {
    const share = (position(value) - low) / (high - low);
    // The ends are rounded, so a value on one of them may lie beyond it by a hair.
    return Math.abs(share - 0.5) < 0.501 ? range[0] + share * (range[1] - range[0]) : Number.NaN;
  };
  return { ticks: kind === "linear" ? marks : thinLogMarks(marks, numTicks), at };
}

/** Ticks at whole multiples of 1, 2 or 5 times a power of ten, the first not above and the last not below the domain. */
export function niceTicks([low, high]: readonly [number, number], numTicks: number): readonly number[] {
  // A single value gets room on both sides, and so does a span that rounding would swallow.
  const largest = Math.max(Math.abs(low), Math.abs(high));
  if (high - low <= Math.max(largest * 1e-9, SMALLEST)) {
    const half = largest <= SMALLEST * 4 ? 0.5 : largest / 2;
    return niceTicks([low - half, high + half], numTicks);
  }
  const raw = (high - low) / numTicks;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  // Division by a power of ten keeps 0.3 from becoming 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The values 1, 2 and 5 times powers of ten from just below to just above a domain of positive values. */
export function logMarks([low, high]: readonly [number, number]): readonly number[] {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9) + 1;
  const all = Array.from({ length: last - first + 1 }, (_, i) => [1, 2, 5].map((m) => tenTo(first + i, m))).flat();
  const from = Math.max(
    0,
    all.findLastIndex((mark) => mark <= low * (1 + 1e-9)),
  );
  const to = all.findIndex((mark) => mark >= high * (1 - 1e-9));
  return all.slice(from, Math.max(to, from + 1) + 1);
}

/** The marks to label: all of few, else powers of ten, else every k-th of them. */
function thinLogMarks(marks: readonly number[], numTicks: number): readonly number[] {
  if (marks.length <= numTicks + 2) return marks;
  const powers = marks.filter((mark) => Number.isInteger(Math.round(Math.log10(mark) * 1e9) / 1e9));
  const every = Math.ceil(powers.length / (numTicks + 2));
  return powers.filter((_, i) => i % every === 0);
}

/** A tick as text: as few digits as it has, thousands grouped, powers of ten beyond 1e6 and below 1e-4. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) {
    return sign + Number(size.toPrecision(10)).toExponential().replace("e+", "e").replace("-", "−");
  }
  const [whole = "", fraction] = String(Number(size.toPrecision(10))).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return sign + (fraction ? `${grouped}.${fraction}` : grouped);
}

function hasPlace(value: number, kind: ScaleKind): boolean {
  return Math.abs(value) <= LARGEST && (kind === "linear" || value >= SMALLEST);
}

function extent(values: readonly number[]): readonly [number, number] | null {
  if (values.length === 0) return null;
  // Not Math.min(...values): a curve may have more points than a call may have arguments.
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

function tenTo(power: number, times: number): number {
  return Number(`${times}e${power}`);
}
