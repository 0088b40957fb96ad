import { type Calibration, UNCALIBRATED } from "../../features/calibration.ts";
import { calibrationToProbabilities } from "../../metrics/calibration/fit-calibration.ts";
import type { Rows } from "../rows.ts";
import { KNOWN_OUTCOMES, ORACLE_COLUMNS } from "./oracles.ts";

/** Events that the calibrations are of, at most: they are fitted to probabilities, so that few tell much. */
const CAPACITY = 2 ** 17;

/** Some of what was asked, evenly of all of it: every event at first, and every second of those whenever there is no room. */
class EvenSample {
  readonly #rows: Float64Array[] = [];
  #every = 1;
  #seen = 0;

  get rows(): readonly Float64Array[] {
    return this.#rows;
  }

  /** Keeps what `row` gives, if it is its turn. */
  offer(row: () => Float64Array): void {
    if (this.#seen++ % this.#every !== 0) return;
    this.#rows.push(row());
    if (this.#rows.length < CAPACITY) return;
    for (let i = 0; 2 * i < CAPACITY; i++) this.#rows[i] = this.#rows[2 * i]!;
    this.#rows.length = Math.ceil(CAPACITY / 2);
    this.#every *= 2;
  }
}

/** What the oracles said of some events beside the truth; of ads once more apart, which alone have all outcomes. */
export class OracleCalibration {
  readonly #all = new EvenSample();
  readonly #ads = new EvenSample();
  readonly #surfaces: number;

  constructor(surfaces: number) {
    this.#surfaces = surfaces;
  }

  /** Takes the rows of a file, whole. */
  add({ columns, oracles, length }: Pick<Rows, "columns" | "oracles" | "length">): void {
    const { surface, isAd, trueLike, trueClick, trueConversion } = columns;
    for (let at = 0; at < length; at++) {
      const row = (): Float64Array => {
        const truth = [trueLike[at]!, trueClick[at]!, trueConversion[at]!];
        return Float64Array.of(surface[at]!, ...truth, ...oracles.map((values) => values[at]!));
      };
      this.#all.offer(row);
      if (isAd[at] === 1) this.#ads.offer(row);
    }
  }

  /** Of each oracle's outcomes, by surface. @shape [oracles · outcomes][surfaces] */
  fit(): readonly (readonly Calibration[])[] {
    return Array.from({ length: ORACLE_COLUMNS }, (_, column) => {
      const outcome = column % KNOWN_OUTCOMES.length;
      const rows = (outcome === 0 ? this.#all : this.#ads).rows;
      return Array.from({ length: this.#surfaces }, (_, surface) => {
        const own = rows.filter((row) => row[0] === surface);
        const said = own.map((row) => row[1 + KNOWN_OUTCOMES.length + column]!);
        const truth = own.map((row) => row[1 + outcome]!);
        // What says the truth already stays as it is.
        if (said.every((value, i) => Math.fround(truth[i]!) === value)) return UNCALIBRATED;
        return calibrationToProbabilities({ logits: said.map((p) => Math.log(p / (1 - p))), labels: truth });
      });
    });
  }
}
