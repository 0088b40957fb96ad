import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DType, fromArray, liveTensors, type Tensor } from "../torch/index.ts";
import { bucketsOf, throughBuckets } from "./buckets.ts";

interface Spec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly transposed: boolean;
}

const specs: fc.Arbitrary<Spec[]> = fc.array(
  fc.record({
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
    dtype: fc.constantFrom<DType>("float32", "float64", "bfloat16"),
    transposed: fc.boolean(),
  }),
  { maxLength: 12 },
);
const limits = fc.constantFrom(1, 16, 60, 1000, undefined);

/** Small integers, exact in every dtype. */
function tensorOf({ shape, dtype, transposed }: Spec, first: number): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const tensor = fromArray(
    Float64Array.from({ length: count }, (_, i) => first + i),
    shape,
  ).to({ dtype });
  return transposed && shape.length === 2 ? tensor.t() : tensor;
}

const tensorsOf = (list: readonly Spec[]): Tensor[] => list.map((spec, i) => tensorOf(spec, i));
const numbersOf = (tensor: Tensor): number[] => tensor.to({ dtype: "float64" }).contiguous().toNumbers();
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

describe("buckets", () => {
  it("through them, tensors become what they become one by one, and no tensor is left", () => {
    fc.assert(
      fc.property(specs, limits, (list, maxBytes) => {
        const tensors = tensorsOf(list);
        const before = liveTensors();
        const sizes: number[] = [];
        const double = (flat: Tensor) => {
          expect([flat.ndim, flat.isContiguous]).toEqual([1, true]);
          sizes.push(flat.numel);
          return { wait: () => flat.mul_(2) };
        };
        throughBuckets(tensors, double, maxBytes);
        expect(liveTensors()).toBe(before);
        expect(sizes).toEqual(bucketsOf(tensors, maxBytes).map((bucket) => sum(bucket.map(({ numel }) => numel))));
        const expected = tensorsOf(list).map((tensor) => numbersOf(tensor.mul(2)));
        expect(tensors.map(numbersOf)).toEqual(expected);
      }),
    );
  });

  it("hold every tensor with elements once, in order, of one dtype, and no more bytes than allowed but for one tensor", () => {
    const bytes: Partial<Record<DType, number>> = { float32: 4, float64: 8, bfloat16: 2 };
    fc.assert(
      fc.property(specs, fc.integer({ min: 1, max: 200 }), (list, maxBytes) => {
        const tensors = tensorsOf(list);
        const buckets = bucketsOf(tensors, maxBytes);
        const full = tensors.filter(({ numel }) => numel > 0);
        expect(new Set(buckets.flat())).toEqual(new Set(full));
        expect(buckets.flat()).toHaveLength(full.length);
        for (const bucket of buckets) {
          const places = bucket.map((tensor) => tensors.indexOf(tensor));
          expect(places).toEqual(places.toSorted((a, b) => a - b));
          expect(new Set(bucket.map(({ dtype }) => dtype)).size).toBe(1);
          const size = sum(bucket.map(({ numel, dtype }) => numel * (bytes[dtype] ?? 0)));
          expect(size <= maxBytes || bucket.length === 1).toBe(true);
        }
      }),
    );
  });

  it("depend on shapes, dtypes and order only", () => {
    fc.assert(
      fc.property(specs, limits, (list, maxBytes) => {
        const placesOf = (tensors: readonly Tensor[]) =>
          bucketsOf(tensors, maxBytes).map((bucket) => bucket.map((tensor) => tensors.indexOf(tensor)));
        const others = list.map((spec, i) => tensorOf({ ...spec, transposed: false }, 100 - i));
        expect(placesOf(others)).toEqual(placesOf(tensorsOf(list)));
      }),
    );
  });

  it("fill up before the next one is opened", () => {
    const tensors = tensorsOf([1, 1, 2, 1].map((rows) => ({ shape: [rows], dtype: "float32", transposed: false })));
    expect(bucketsOf(tensors, 8).map((bucket) => bucket.length)).toEqual([2, 1, 1]);
  });
});
