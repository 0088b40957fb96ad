/**
 * Triton's extension of the Open Inference Protocol for tensors in binary: the JSON of a body has the length that a
 * header says, and behind it lie the tensors that have a `binary_data_size`, little-endian, in the order of the JSON.
 */
import { isPlainObject } from "../../../base/check.ts";
import { JSON_LENGTH_HEADER } from "../answer.ts";
import { parseJson } from "../body.ts";
import { wrong } from "../values/problems.ts";
import type { Json } from "../values/shapes.ts";
import { DATATYPES } from "./tensors.ts";

const READERS: Readonly<
  Record<string, { readonly width: number; readonly read: (view: DataView, at: number) => number }>
> = {
  INT32: { width: 4, read: (view, at) => view.getInt32(at, true) },
  // A code is far below 2⁵³: what is not becomes a number that is refused later.
  INT64: { width: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  FP32: { width: 4, read: (view, at) => view.getFloat32(at, true) },
  FP64: { width: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** The JSON of a body with the tensors behind it put in their places. @throws {LapidaryError} SERVE_REQUEST */
export function withBinaryTensors(body: Uint8Array, jsonLength: string): unknown {
  const length = /^\d{1,9}$/.test(jsonLength) ? Number(jsonLength) : Number.NaN;
  if (!(length <= body.length)) throw wrong(JSON_LENGTH_HEADER, `0 to ${body.length} bytes`, jsonLength);
  const request = parseJson(body.subarray(0, length));
  const rest = new BinaryReader(body.subarray(length));
  if (!isPlainObject(request) || !Array.isArray(request["inputs"])) return request;
  const inputs = request["inputs"].map((input: unknown, i) => rest.fill(input, `inputs[${i}]`));
  rest.expectEnd();
  return { ...request, inputs };
}

class BinaryReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The tensor, with its data if they are in binary. */
  fill(tensor: unknown, where: string): unknown {
    const sizeBytes = sizeOf(tensor);
    if (sizeBytes === undefined) return tensor;
    const { data, datatype } = tensor as Json;
    if (data !== undefined) throw wrong(`${where}.data`, "none beside binary_data_size", data);
    const reader = READERS[String(datatype)];
    if (reader === undefined) throw wrong(`${where}.datatype`, Object.values(DATATYPES).flat().join(", "), datatype);
    const left = this.#view.byteLength - this.#at;
    if (!Number.isInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > left || sizeBytes % reader.width !== 0) {
      const expected = `a multiple of ${reader.width} up to the ${left} bytes that are left`;
      throw wrong(`${where}.parameters.binary_data_size`, expected, sizeBytes);
    }
    const start = this.#at;
    this.#at += sizeBytes;
    const values = Array.from({ length: sizeBytes / reader.width }, (_, i) =>
      reader.read(this.#view, start + i * reader.width),
    );
    return { ...(tensor as Json), data: values };
  }

  expectEnd(): void {
    const left = this.#view.byteLength - this.#at;
    if (left > 0) throw wrong("body", "as many bytes as the tensors have", `${left} more`);
  }
}

function sizeOf(tensor: unknown): number | undefined {
  if (!isPlainObject(tensor) || !isPlainObject(tensor["parameters"])) return undefined;
  return tensor["parameters"]["binary_data_size"] as number | undefined;
}

/** Whether a request asks for its output in binary: for all outputs, or for the one that there is. */
export function asksForBinary(request: unknown): boolean {
  if (!isPlainObject(request)) return false;
  const { parameters, outputs } = request;
  const [output]: readonly unknown[] = Array.isArray(outputs) ? outputs : [];
  const ofOutput =
    isPlainObject(output) && isPlainObject(output["parameters"]) ? output["parameters"]["binary_data"] : undefined;
  return (ofOutput ?? (isPlainObject(parameters) ? parameters["binary_data_output"] : undefined)) === true;
}
