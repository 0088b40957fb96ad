/** A map from values to pixels with the values at which it is marked. */
export interface Scale {
  readonly ticks: readonly number[];
  /** Pixel of a value; NaN where the scale has no place for it (not finite, or ≤ 0 on a log scale). */
  readonly at: (value: number) => number;
}

/** Whether equal distances are equal differences or equal ratios. */
export type ScaleKind = "linear" | "log";

/** What a scale must show and where. */
export interface ScaleOptions {
  readonly kind?: ScaleKind;
  /** Pixels of the low and the high end. */
  readonly range: readonly [number, number];
  /** Ticks wanted, about. @default 5 */
  readonly numTicks?: number;
}

/** A scale whose ends are ticks around all finite values; [0, 1] (log: [1, 10]) if there are none. */
export function scaleOf(values: Iterable<number>, { kind = "linear", range, numTicks = 5 }: ScaleOptions): Scale {
  const shown = [...values].filter((v) => Number.isFinite(v) && (kind === "linear" || v > 0));
  const domain = extent(shown) ?? (kind === "linear" ? [0, 1] : [1, 10]);
  const ticks = kind === "linear" ? niceTicks(domain, numTicks) : logTicks(domain, numTicks);
  const position = kind === "linear" ? (v: number): number => v : Math.log10;
  const low = position(ticks[0] ?? 0);
  const high = position(ticks.at(-1) ?? 1);
  const at = (value: number): number => {
    const share = (position(value) - low) / (high - low);
    return Number.isFinite(share) ? range[0] + share * (range[1] - range[0]) : Number.NaN;
  };
  return { ticks, at };
}

/** Ticks at whole multiples of 1, 2 or 5 times a power of ten, the first not above and the last not below the domain. */
export function niceTicks([low, high]: readonly [number, number], numTicks: number): readonly number[] {
  // A single value gets room on both sides, and so does a span that rounding would swallow.
  const least = Math.max(Math.abs(low), Math.abs(high)) * 1e-9;
  if (!(high - low > least)) {
    const half = low === 0 ? 0.5 : Math.abs(low) / 2;
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

/** Powers of ten around the domain; within two decades 2 and 5 times them as well, and every k-th over many. */
export function logTicks([low, high]: readonly [number, number], numTicks: number): readonly number[] {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  if (last - first <= 2) {
    const all = Array.from({ length: last - first + 1 }, (_, i) => [1, 2, 5].map((m) => tenTo(first + i, m))).flat();
    const from = all.findLastIndex((tick) => tick <= low * (1 + 1e-9));
    const to = all.findIndex((tick) => tick >= high * (1 - 1e-9));
    return to > from ? all.slice(Math.max(0, from), to + 1) : all.slice(Math.max(0, from), from + 2);
  }
  const every = Math.ceil((last - first) / (numTicks + 1));
  return Array.from({ length: Math.ceil((last - first) / every) + 1 }, (_, i) => tenTo(first + i * every, 1));
}

/** A tick as text: as few digits as it has, thousands grouped, powers of ten beyond 1e6 and below 1e-4. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential().replace("e+", "e").replace("-", "−");
  const [whole = "", fraction] = String(Number(size.toPrecision(10))).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return `${value < 0 ? "−" : ""}${grouped}${fraction ? `.${fraction}` : ""}`;
}

function extent(values: readonly number[]): readonly [number, number] | null {
  if (values.length === 0) return null;
  // Not Math.min(...values): a curve may have more points than a call may have arguments.
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

function tenTo(power: number, times: number): number {
  return Number(`${times}e${power}`);
}
