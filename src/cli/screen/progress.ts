import { barLine, formatCount, formatDuration, plainLine, type Standing } from "./progress-line.ts";
import type { Screen } from "./screen.ts";

/** What is to be done. */
export interface ProgressOptions {
  /** What the job is: `ingest`. */
  readonly label: string;
  /** How many there are to do; null if that is not known. */
  readonly total: number | null;
  /** What is counted, in plural: `steps`. */
  readonly unit: string;
  /** False if some units take far longer than others, so that a rate and the time left would mislead. @default true */
  readonly isSteady?: boolean;
}

/** How far a job is. */
export interface ProgressUpdate {
  readonly done: number;
  /** What is being worked on, or numbers of the moment: `loss 0.512`. */
  readonly detail?: string;
  /** How many there are to do, once that is known. */
  readonly total?: number;
}

/** Between two rewritings on a terminal: the eye reads no faster. @unit ms */
const REDRAW_MS = 100;
/** Between two lines elsewhere: a log of hours stays readable. @unit ms */
const LINE_MS = 5000;
/** Half of a rate's weight is on newer time than this. @unit s */
const HALF_LIFE_S = 10;
/** A rate from less time than this says nothing. @unit s */
const MIN_RATE_S = 0.5;

/** Shows how far a long job is: one line that is rewritten on a terminal, plain lines every few seconds elsewhere. */
export class Progress {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #label: string;
  readonly #unit: string;
  readonly #isSteady: boolean;
  readonly #start: number;
  readonly #ticker: NodeJS.Timeout;
  #total: number | null;
  #done: number | null = null;
  #detail = "";
  #shownAt = Number.NEGATIVE_INFINITY;
  #updatedAt = 0;
  /** Units done and seconds passed, both faded by age, so that their ratio is the rate of late. */
  #recent = { units: 0, seconds: 0 };

  /** `now` gives milliseconds that never go back. */
  constructor(options: ProgressOptions, screen: Screen, now: () => number = () => performance.now()) {
    this.#label = options.label;
    this.#total = options.total;
    this.#unit = options.unit;
    this.#isSteady = options.isSteady ?? true;
    this.#screen = screen;
    this.#now = now;
    this.#start = now();
    // A job that reports rarely still shows that time passes; the timer keeps no process alive.
    this.#ticker = setInterval(() => this.#show(), 1000).unref();
  }

  /** Says how far the job is. Cheap: what would come too soon is not shown. */
  update({ done, detail, total }: ProgressUpdate): void {
    const now = this.#now();
    // A resumed job begins behind 0: what was done before says nothing of the rate.
    if (this.#done !== null) this.#measure(done - this.#done, (now - this.#updatedAt) / 1000);
    this.#updatedAt = now;
    this.#done = done;
    if (detail !== undefined) this.#detail = detail;
    if (total !== undefined) this.#total = total;
    this.#show();
  }

  /** Removes the line and writes what was done, or `summary`; an empty one writes nothing. Safe to call twice. */
  finish(summary?: string): void {
    clearInterval(this.#ticker);
    this.#screen.pin("");
    if (this.#done === null) return;
    const { elapsedSeconds } = this.#standing();
    const text = `${this.#label}: ${formatCount(this.#done)} ${this.#unit} in ${formatDuration(elapsedSeconds)}`;
    this.#done = null;
    if (summary !== "") this.#screen.say(summary ?? text);
  }

  #measure(units: number, seconds: number): void {
    const fade = 0.5 ** (seconds / HALF_LIFE_S);
    this.#recent = { units: this.#recent.units * fade + units, seconds: this.#recent.seconds * fade + seconds };
  }

  #standing(): Standing {
    const { units, seconds } = this.#recent;
    return {
      label: this.#label,
      unit: this.#unit,
      done: this.#done ?? 0,
      total: this.#total,
      rate: !this.#isSteady || seconds < MIN_RATE_S || units <= 0 ? null : units / seconds,
      elapsedSeconds: (this.#now() - this.#start) / 1000,
      detail: this.#detail,
    };
  }

  #show(): void {
    const { terminal } = this.#screen;
    const now = this.#now();
    if (this.#done === null || now - this.#shownAt < (terminal.isInteractive ? REDRAW_MS : LINE_MS)) return;
    this.#shownAt = now;
    if (terminal.isInteractive) this.#screen.pin(barLine(this.#standing(), terminal.columns - 1));
    else this.#screen.say(plainLine(this.#standing()));
  }
}
