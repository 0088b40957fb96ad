/** The text of progress: pure functions of where a job stands. */

/** Where a job stands. */
export interface Standing {
  /** What the job is: `ingest`. */
  readonly label: string;
  /** What is counted, in plural: `steps`. */
  readonly unit: string;
  readonly done: number;
  /** Null if it is not known. */
  readonly total: number | null;
  /** @unit units/s; null as long as it is not known */
  readonly rate: number | null;
  readonly elapsedSeconds: number;
  /** What is being worked on, or numbers of the moment. */
  readonly detail: string;
}

const BAR_WIDTH = 24;

/** A bar such as `[====>     ]`; `ratio` outside of 0 … 1 is taken for the nearer end. */
export function bar(ratio: number, width: number = BAR_WIDTH): string {
  const filled = Math.round(Math.min(1, Math.max(0, Number.isNaN(ratio) ? 0 : ratio)) * width);
  const tip = filled > 0 && filled < width ? `${"=".repeat(filled - 1)}>` : "=".repeat(filled);
  return `[${tip.padEnd(width)}]`;
}

/** A duration in at most two units: `850 ms`, `12 s`, `3 m 05 s`, `2 h 10 m`, `4 d 03 h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "unknown";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86_400)} d ${two(Math.floor((whole % 86_400) / 3600))} h`;
}

/** A whole number with its thousands apart: `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** A number to three digits that matter: `0.00123`, `12.3`, `1,230`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return formatCount(value);
  return magnitude === 0 || magnitude >= 1e-4 ? Number(value.toPrecision(3)).toString() : value.toExponential(2);
}

/** Bytes in the largest unit of 1024 that leaves at least 1: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Seconds that the rest takes at this rate; null if nothing says it. */
function secondsLeft({ done, total, rate }: Standing): number | null {
  return total === null || rate === null || rate <= 0 ? null : Math.max(0, total - done) / rate;
}

function facts(standing: Standing): string[] {
  const { unit, done, total, rate, elapsedSeconds, detail } = standing;
  const left = secondsLeft(standing);
  const end = total === null ? "" : `/${formatCount(total)}`;
  return [
    `${formatCount(done)}${end} ${unit}`,
    ...(rate === null ? [] : [`${formatNumber(rate)} ${unit}/s`]),
    left === null ? formatDuration(elapsedSeconds) : `${formatDuration(left)} left`,
    ...(detail === "" ? [] : [detail]),
  ];
}

/** One line without a bar, for logs. */
export function plainLine(standing: Standing): string {
  return `${standing.label}: ${facts(standing).join(", ")}`;
}

/** One line with a bar, no longer than `columns`. */
export function barLine(standing: Standing, columns: number): string {
  const { label, done, total } = standing;
  const drawn = total === null ? "" : ` ${bar(total === 0 ? 1 : done / total)}`;
  const line = `${label}${drawn} ${facts(standing).join(", ")}`;
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
