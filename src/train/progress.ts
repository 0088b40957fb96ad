/** Where training stands. */
export interface TrainingProgress {
  readonly step: number;
  readonly totalSteps: number;
  /** Log loss of the last update. @unit nats */
  readonly loss: number;
  /** Over the last seconds. @unit examples/s */
  readonly examplesPerSecond: number;
  /** @unit s */
  readonly secondsLeft: number;
}

/** Half of the rate's weight is on steps newer than this. @unit s */
const HALF_LIFE_S = 5;

/** Rate of examples as an exponential mean over time, from the durations of steps. */
export class RateMeter {
  #examples = 0;
  #seconds = 0;

  /** Adds a step. */
  add(examples: number, seconds: number): void {
    const fade = 0.5 ** (seconds / HALF_LIFE_S);
    this.#examples = this.#examples * fade + examples;
    this.#seconds = this.#seconds * fade + seconds;
  }

  /** 0 before the first step. @unit examples/s */
  get rate(): number {
    return this.#seconds === 0 ? 0 : this.#examples / this.#seconds;
  }
}
