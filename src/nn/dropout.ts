import { fromArray, type Tensor } from "../torch/index.ts";

/** Where a model drops activations. */
export type DropoutPart = "embedding" | "mlp" | "attention";

/** Dropout of one pass of a batch. */
export interface DropoutPass {
  /** Probability that an activation is dropped, below 1; 0 drops none. */
  readonly rates: Readonly<Record<DropoutPart, number>>;
  /** What the masks are drawn from, beside the examples: another one for each update. */
  readonly seed: number;
  /** A number of each example: it alone decides the example's masks, whatever else is in the batch. @shape [B] */
  readonly examples: Uint32Array;
}

/** The pass under way, and the masks that it has drawn so far. */
let current: { readonly pass: DropoutPass; masks: number } | null = null;

/**
 * Runs a pass of a model with dropout; outside of it {@link dropout} drops nothing. Masks are hashes of the seed, the place
 * in the pass, the example and the position within its activations, not draws one after the other: they are the same for
 * any number of threads, of processes that share the batch, and in a pass that is repeated.
 *
 * @example
 * import { dropout, withDropout } from "lapidary/nn";
 * import { ones } from "lapidary/torch";
 *
 * const rates = { embedding: 0, mlp: 0.5, attention: 0 };
 * const pass = { rates, seed: 1, examples: Uint32Array.of(7, 8) };
 * const x = withDropout(pass, () => dropout(ones([2, 4]), "mlp"));
 * console.log(x.toNumbers()); // …
 * console.log(dropout(ones([2]), "mlp").toNumbers()); // [ 1, 1 ]
 */
export function withDropout<T>(pass: DropoutPass, run: () => T): T {
  const outer = current;
  current = { pass, masks: 0 };
  try {
    return run();
  } finally {
    current = outer;
  }
}

/**
 * Inverted dropout: `y = x ⊙ m / (1 − p)`, each m 0 with probability p and 1 otherwise; x itself outside of
 * {@link withDropout}. Rows belong to examples: those between the bounds of an example, or equally many of each. Rows that do
 * neither are numbered through, and their masks depend on what else this process has of the batch.
 *
 * @param bounds where the rows of each example begin and end. @shape [B+1]
 * @shape x [n, …] → [n, …]
 * @see Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting"
 * @example
 * import { dropout } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * console.log(dropout(tensor([1, 2]), "attention").toNumbers()); // [ 1, 2 ]
 */
export function dropout(x: Tensor, part: DropoutPart, bounds?: Int32Array): Tensor {
  const rate = current?.pass.rates[part] ?? 0;
  if (current === null || rate === 0 || x.numel === 0) return x;
  const { pass } = current;
  const seed = mixed(pass.seed ^ Math.imul(++current.masks, GOLDEN));
  const [rows = 1] = x.shape;
  const keys = keysOf(pass.examples, rows, bounds);
  const mask = fromArray(drawMask(keys, { rate, seed, width: x.numel / rows }), x.shape, { share: true });
  return x.mul(mask.to({ dtype: x.dtype, device: x.device }));
}

/**
 * Runs a part of a model group by group of the batch's examples, each group's rows being those of its examples.
 *
 * @param groups places of examples in the batch
 * @example
 * import { inGroups } from "lapidary/nn";
 *
 * const groups = [Int32Array.of(0, 2), Int32Array.of(1)];
 * console.log(inGroups(groups, (g) => `${groups[g]?.length} examples`)); // [ '2 examples', '1 examples' ]
 */
export function inGroups<T>(groups: readonly Int32Array[], run: (group: number) => T): T[] {
  if (current === null) return groups.map((_, g) => run(g));
  const { pass } = current;
  // Whoever has no example of a group has drawn as many masks before what comes next.
  const seed = mixed(pass.seed ^ Math.imul(++current.masks, GOLDEN));
  return groups.map((places, g) => {
    const examples = Uint32Array.from(places, (b) => pass.examples[b]!);
    return withDropout({ ...pass, seed, examples }, () => run(g));
  });
}

/** 2³² ÷ the golden ratio, odd: its multiples are spread evenly. */
const GOLDEN = 0x9e3779b1;

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the result. @see github.com/aappleby/smhasher */
function mixed(bits: number): number {
  let h = bits;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** What the mask of each row is drawn from. @shape → [rows] */
function keysOf(examples: Uint32Array, rows: number, bounds: Int32Array | undefined): Int32Array {
  const keys = new Int32Array(rows);
  const write = (example: number, from: number, to: number): void => {
    const key = mixed(examples[example]!);
    for (let row = from; row < to; row++) keys[row] = mixed(key ^ Math.imul(row - from, GOLDEN));
  };
  const each = rows / examples.length;
  if (bounds?.length === examples.length + 1 && bounds.at(-1) === rows) {
    for (let b = 0; b < examples.length; b++) write(b, bounds[b]!, bounds[b + 1]!);
  } else if (Number.isInteger(each)) {
    for (let b = 0; b < examples.length; b++) write(b, b * each, (b + 1) * each);
  } else {
    for (let row = 0; row < rows; row++) keys[row] = mixed(row);
  }
  return keys;
}

/** @shape keys [n] → [n · width] */
function drawMask(keys: Int32Array, { rate, seed, width }: { rate: number; seed: number; width: number }) {
  const mask = new Float32Array(keys.length * width);
  const scale = 1 / (1 - rate);
  const dropped = rate * 2 ** 32;
  for (let row = 0, at = 0; row < keys.length; row++) {
    const key = mixed(keys[row]! ^ seed);
    for (let j = 0; j < width; j++, at++) {
      mask[at] = mixed(key ^ Math.imul(j, GOLDEN)) >>> 0 < dropped ? 0 : scale;
    }
  }
  return mask;
}
