import { FORMATS, STYLE_DIM, type WorldConfig } from "../../config/world/world.ts";
import { Draws } from "../random.ts";
import { AGE_BANDS, COUNTRIES, type People } from "./people.ts";

/** Units of each hidden layer. */
const WIDTH = 16;
/** Deviation of what goes into each layer's tanh: well beyond its linear part, or the net were nearly a sum of its inputs. */
const GAIN = { first: 2, second: 3 } as const;
/** Share of the variance of a taste that people of one age and country have in common. */
const SHARED_TASTE = 0.5;
/** Share of the variance of a style that the items of one maker have in common. */
const MAKER_STYLE = 0.5;
/** Pairs of tastes and styles by which the net's output is normalized. */
const NORMAL_PAIRS = 4096;

const NO_STYLE = new Float64Array(0);
const NO_PART = new Float32Array(0);

/**
 * How people take the styles of items: `exp(tasteSpread · z(t, s, format))`, divided by its mean, with `z` of a fixed
 * random net `v · tanh(W tanh(A t + B s + C format))`, normalized to mean 0 and deviation 1. `t` is of a person's age and
 * country, and their own; `s` of an item's maker, and its own. More than half of the variance of `z` is of how the two go
 * together, of more than a few products; the rest is of the one or the other.
 */
export class Tastes {
  readonly #seed: number;
  readonly #spread: number;
  /** First layer's part of each person. @shape [people, WIDTH] */
  readonly #people: Float32Array;
  readonly #styles: Float64Array;
  readonly #formats: Float64Array;
  readonly #second: Float64Array;
  readonly #output: Float64Array;
  readonly #hidden = new Float64Array(WIDTH);
  #mean = 0;
  #scale = 1;
  #norm = 1;

  constructor({ seed, people: { tasteSpread } }: Pick<WorldConfig, "seed" | "people">, people: People) {
    this.#seed = seed;
    this.#spread = tasteSpread;
    const draws = Draws.of(seed, "tastes");
    const normals = (length: number, deviation: number) =>
      Float64Array.from({ length }, () => deviation * draws.normal());
    // Of the three inputs the two vectors have most of the say.
    const first = GAIN.first / Math.sqrt(2 * STYLE_DIM);
    const tastes = normals(WIDTH * STYLE_DIM, first);
    this.#styles = normals(WIDTH * STYLE_DIM, first);
    this.#formats = normals(FORMATS.length * WIDTH, 0.5);
    this.#second = normals(WIDTH * WIDTH, GAIN.second / Math.sqrt(WIDTH));
    this.#output = normals(WIDTH, 1);
    const shared = normals(AGE_BANDS.length * COUNTRIES.length * STYLE_DIM, Math.sqrt(SHARED_TASTE));
    this.#people = new Float32Array(tasteSpread > 0 ? people.count * WIDTH : 0);
    if (tasteSpread === 0) return;
    for (let user = 0; user < people.count; user++) {
      const own = Draws.of(seed, "tastes", user);
      const cell = (people.age[user]! * COUNTRIES.length + people.country[user]!) * STYLE_DIM;
      const taste = Float64Array.from({ length: STYLE_DIM }, (_, i) => {
        return shared[cell + i]! + Math.sqrt(1 - SHARED_TASTE) * own.normal();
      });
      this.#people.set(product(tastes, taste), user * WIDTH);
    }
    this.#normalize(tastes, draws);
  }

  /** The style of a new item; empty in a world without tastes. @shape [STYLE_DIM] */
  styleOf(maker: number, item: number): Float64Array {
    if (this.#spread === 0) return NO_STYLE;
    const [shared, own] = [Draws.of(this.#seed, "styles", 0, maker), Draws.of(this.#seed, "styles", 1, item)];
    return Float64Array.from({ length: STYLE_DIM }, () => {
      return Math.sqrt(MAKER_STYLE) * shared.normal() + Math.sqrt(1 - MAKER_STYLE) * own.normal();
    });
  }

  /** First layer's part of a style in a format, for {@link factor}. @shape [WIDTH] */
  partOf(style: Float64Array, format: number): Float32Array {
    if (this.#spread === 0) return NO_PART;
    return Float32Array.from(product(this.#styles, style), (x, i) => x + this.#formats[format * WIDTH + i]!);
  }

  /** Factor of the response, of mean 1. */
  factor(user: number, part: Float32Array): number {
    if (this.#spread === 0) return 1;
    const z = (this.#net(this.#people, user * WIDTH, part) - this.#mean) / this.#scale;
    return Math.exp(this.#spread * z) / this.#norm;
  }

  /** The net's output, from the parts of its first layer. */
  #net(person: Float32Array, from: number, item: Float32Array): number {
    // This is asked of every impression: no field is looked up twice, and tanh is by one exponential.
    const [hidden, second, last] = [this.#hidden, this.#second, this.#output];
    for (let i = 0; i < WIDTH; i++) hidden[i] = tanh(person[from + i]! + item[i]!);
    let output = 0;
    for (let row = 0, at = 0; row < WIDTH; row++) {
      let sum = 0;
      for (let i = 0; i < WIDTH; i++) sum += second[at++]! * hidden[i]!;
      output += last[row]! * tanh(sum);
    }
    return output;
  }

  #normalize(tastes: Float64Array, draws: Draws): void {
    const vector = (): Float64Array => Float64Array.from({ length: STYLE_DIM }, () => draws.normal());
    const outputs = Array.from({ length: NORMAL_PAIRS }, () => {
      return this.#net(
        Float32Array.from(product(tastes, vector())),
        0,
        this.partOf(vector(), draws.below(FORMATS.length)),
      );
    });
    const mean = (of: (output: number) => number): number =>
      outputs.reduce((sum, output) => sum + of(output), 0) / NORMAL_PAIRS;
    this.#mean = mean((output) => output);
    this.#scale = Math.sqrt(mean((output) => (output - this.#mean) ** 2));
    this.#norm = mean((output) => Math.exp((this.#spread * (output - this.#mean)) / this.#scale));
  }
}

/** `1 − 2 / (e^{2x} + 1)`, which is ±1 far out. */
function tanh(x: number): number {
  return 1 - 2 / (Math.exp(2 * x) + 1);
}

/** A matrix of {@link WIDTH} rows times a vector. @shape [WIDTH, n], [n] → [WIDTH] */
function product(matrix: Float64Array, vector: Float64Array): Float64Array {
  const { length } = vector;
  return Float64Array.from({ length: WIDTH }, (_, row) =>
    vector.reduce((sum, x, i) => sum + matrix[row * length + i]! * x, 0),
  );
}
