import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { threadId } from "node:worker_threads";
import { LapidaryError } from "../../base/errors.ts";
import { messageOf } from "../../base/message.ts";
import { syncFolder } from "../../files/durable-file.ts";
import { fromFile, type Tensor, zeros } from "../generated/tensor.ts";
import { Scope } from "../scope.ts";
import {
  formatHeader,
  invalid,
  layOut,
  MAX_HEADER_BYTES,
  parseHeader,
  type TensorEntry,
  widthOf,
} from "./safetensors-header.ts";

/** What a safetensors file holds. Both records have no prototype, so that no name has a meaning of its own. */
export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A write takes no more than this: JavaScript's arrays end at 2^32, the system call at 2^31. @unit bytes */
const CHUNK = 2 ** 26;

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function writeTensor(file: number, tensor: Tensor): void {
  using _ = new Scope();
  const local = tensor.device === "cpu" ? tensor.detach() : tensor.detach().to({ device: "cpu" });
  const flat = local.contiguous().reshape([-1]);
  const step = CHUNK / widthOf(flat.dtype);
  for (let at = 0; at < flat.numel; at += step) {
    writeAll(file, new Uint8Array(flat.slice(0, at, at + step).view().buffer));
  }
}

function replaceFile(path: string, write: (file: number) => void): void {
  const temporary = `${path}.${process.pid}-${threadId}.tmp`;
  try {
    const file = openSync(temporary, "w");
    try {
      write(file);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes tensors by name, atomically: after a crash at any moment the path holds the whole old file or the whole new
 * one (and perhaps a `.tmp` file beside it). Tensors are written from their own memory, one at a time; equal tensors
 * and metadata give equal bytes.
 *
 * @throws {LapidaryError} SAFETENSORS_INVALID for names that the format reserves or cannot hold
 * @throws {LapidaryError} SAFETENSORS_WRITE if the file system refuses
 * @see https://github.com/huggingface/safetensors (format)
 */
export function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const facts = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const entries = layOut(facts);
  const header = formatHeader({ entries, metadata }, path);
  try {
    replaceFile(path, (file) => {
      writeAll(file, header);
      for (const { name } of entries) writeTensor(file, tensors[name] as Tensor);
    });
  } catch (cause) {
    if (cause instanceof LapidaryError || !(cause instanceof Error)) throw cause;
    throw new LapidaryError(
      {
        code: "SAFETENSORS_WRITE",
        where: path,
        expected: "a folder that can be written to and has room",
        got: cause.message,
        hint: "Make room or choose another folder; what the path held before is unchanged.",
      },
      { cause },
    );
  }
}

/** The whole file as uint8, mapped: pages are read when they are touched, and changes stay private. */
function mapFile(path: string): Tensor {
  try {
    const { size } = statSync(path);
    if (size < 8) throw new Error(`a file of ${size} bytes`);
    return fromFile(path, false, size, { dtype: "uint8" });
  } catch (cause) {
    throw invalid(path, cause instanceof LapidaryError ? cause.got : (cause as Error).message, { cause });
  }
}

/** Where the data begins. */
function dataStart(file: Tensor, path: string): number {
  const length = new DataView(file.slice(0, 0, 8).view().buffer).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) throw invalid(path, `a header of ${length} bytes`);
  const start = Number(length) + 8;
  if (start > file.numel) throw invalid(path, `a header of ${length} bytes in a file of ${file.numel}`);
  return start;
}

/** One tensor over the mapped file; copied where the file does not align it. */
function tensorOf(file: Tensor, data: number, { name, dtype, shape, begin, end }: TensorEntry): Tensor {
  if (begin === end) return zeros(shape, { dtype });
  const bytes = file.slice(0, data + begin, data + end);
  if (dtype === "bool" && bytes.amax().item() > 1)
    throw new Error(`a BOOL other than 0 and 1 in ${JSON.stringify(name)}`);
  const aligned = (data + begin) % widthOf(dtype) === 0 ? bytes : bytes.clone();
  return aligned.reinterpret(dtype).reshape(shape);
}

/**
 * Reads a safetensors file by mapping it: tensors look into the file's pages, and changing them leaves the file alone.
 * Nothing is accepted that the format does not allow: duplicate keys, holes, overlaps, sizes that do not fit. While
 * the tensors live the file may be replaced or removed, as {@link writeSafetensors} does, but not shortened in place.
 *
 * @throws {LapidaryError} SAFETENSORS_INVALID with the reason
 */
export function readSafetensors(path: string): SafetensorsFile {
  using scope = new Scope();
  const file = mapFile(path);
  const data = dataStart(file, path);
  const header = new Uint8Array(file.slice(0, 8, data).view().buffer);
  const { entries, metadata } = parseHeader(header, file.numel - data, path);
  const tensors: Record<string, Tensor> = Object.create(null);
  try {
    for (const entry of entries) tensors[entry.name] = tensorOf(file, data, entry);
  } catch (cause) {
    throw invalid(path, messageOf(cause), { cause });
  }
  for (const name of Object.keys(tensors)) scope.keep(tensors[name] as Tensor);
  return { tensors, metadata };
}
