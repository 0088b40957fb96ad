import type { DriftConfig } from "../../config/world/world.ts";
import { Draws } from "../random.ts";

/** How the base rates of the surfaces drift from day to day: an autoregression around 0 in the log of each. */
export class Drift {
  /** Factor of each surface's rates today, of mean 1. @shape [surfaces] */
  readonly level: Float64Array;
  readonly #config: DriftConfig;
  readonly #seed: number;
  readonly #log: Float64Array;

  constructor({ drift, seed }: { readonly drift: DriftConfig; readonly seed: number }, surfaces: number) {
    this.#config = drift;
    this.#seed = seed;
    const draws = Draws.of(seed, "drift");
    this.#log = Float64Array.from({ length: surfaces }, () => drift.spread * draws.normal());
    this.level = new Float64Array(surfaces).fill(1);
  }

  /** Moves the rates on to `day`. Days come in order. */
  advance(day: number): void {
    const { spread, days } = this.#config;
    const draws = Draws.of(this.#seed, "drift", day);
    const kept = Math.exp(-1 / days);
    const fresh = spread * Math.sqrt(1 - kept * kept);
    for (let surface = 0; surface < this.level.length; surface++) {
      this.#log[surface] = kept * this.#log[surface]! + fresh * draws.normal();
      this.level[surface] = Math.exp(this.#log[surface]! - spread ** 2 / 2);
    }
  }
}
