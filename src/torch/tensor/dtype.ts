import { LapidaryError } from "../../base/errors.ts";

/** Element types by name, each with libtorch's code. */
const CODES = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  bool: 11,
  bfloat16: 15,
} as const;

/** Element type of a tensor. */
export type DType = keyof typeof CODES;

/** Arrays that a tensor can be made from and read into. `Uint16Array` holds the bits of 16-bit floats. */
export type TensorArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array;

type ArrayConstructor = new (buffer: ArrayBuffer) => TensorArray;

const NAMES = new Map<number, DType>(Object.entries(CODES).map(([name, code]) => [code, name as DType]));

const ARRAYS: Readonly<Record<DType, ArrayConstructor>> = {
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  bool: Uint8Array,
  bfloat16: Uint16Array,
};

/** libtorch's code of a dtype; undefined stays undefined, which means the operator's default. */
export function dtypeCode(dtype: DType): number;
export function dtypeCode(dtype: DType | null | undefined): number | undefined;
export function dtypeCode(dtype: DType | null | undefined): number | undefined {
  return dtype == null ? undefined : CODES[dtype];
}

/** The dtype with libtorch's code. @throws {LapidaryError} TORCH_UNSUPPORTED for complex and quantized types */
export function dtypeName(code: number): DType {
  const name = NAMES.get(code);
  if (name !== undefined) return name;
  throw new LapidaryError({
    code: "TORCH_UNSUPPORTED",
    where: "dtype",
    expected: Object.keys(CODES).join(", "),
    got: `libtorch's type ${code}`,
    hint: "Convert the tensor to one of the supported types.",
  });
}

/** A typed array of the dtype over a buffer. */
export function arrayOver(dtype: DType, buffer: ArrayBuffer): TensorArray {
  return new ARRAYS[dtype](buffer);
}

/** The dtype that a typed array holds when nothing else is said. */
export function dtypeOfArray(array: TensorArray): DType {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Float64Array) return "float64";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof BigInt64Array) return "int64";
  if (array instanceof Int8Array) return "int8";
  if (array instanceof Int16Array) return "int16";
  return array instanceof Uint16Array ? "bfloat16" : "uint8";
}

/** Whether two dtypes have the same storage width, so that an array of one can hold the other. */
export function sameWidth(a: DType, b: DType): boolean {
  const width = (dtype: DType): number => arrayOver(dtype, new ArrayBuffer(0)).BYTES_PER_ELEMENT;
  return width(a) === width(b);
}

/** The number whose sign, exponent and fraction of `fractionBits` the 16 bits hold. */
function numberOfBits(bits: number, fractionBits: number): number {
  const largest = 2 ** (15 - fractionBits) - 1;
  const bias = (largest - 1) / 2;
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> fractionBits) & largest;
  const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits;
  if (exponent === largest) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

/** The elements of an array of the dtype as plain numbers; int64 beyond 2^53 is rounded. */
export function numbersIn(array: ArrayLike<number | bigint>, dtype: DType): number[] {
  if (dtype === "float16") return Array.from(array, (bits) => numberOfBits(Number(bits), 10));
  if (dtype === "bfloat16") return Array.from(array, (bits) => numberOfBits(Number(bits), 7));
  return Array.from(array, Number);
}
