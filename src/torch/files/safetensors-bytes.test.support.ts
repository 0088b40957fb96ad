/** A writer and a reader of the safetensors format of their own, on plain bytes: nothing is shared with ours. */

/** A tensor as the format names it; `data` little-endian. */
export interface Stored {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The bytes of a file: length of the header, header, data. */
export function fileOf(header: string, data: Uint8Array = new Uint8Array()): Buffer {
  const text = Buffer.from(header, "utf8");
  const length = Buffer.alloc(8);
  length.writeUInt32LE(text.length, 0);
  return Buffer.concat([length, text, data]);
}

/** The bytes of a file of these tensors, one after another in the order given. */
export function encode(tensors: Readonly<Record<string, Stored>>, metadata?: Readonly<Record<string, string>>): Buffer {
  let at = 0;
  const fields: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    fields[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  return fileOf(JSON.stringify(fields), Buffer.concat(Object.values(tensors).map(({ data }) => data)));
}

/** The tensors and the metadata of a file's bytes, without any check. */
export function decode(bytes: Buffer): { readonly tensors: Map<string, Stored>; readonly metadata: unknown } {
  const start = 8 + bytes.readUInt32LE(0);
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<string, unknown>;
  const { __metadata__: metadata, ...rest } = header;
  const tensors = new Map<string, Stored>();
  for (const [name, entry] of Object.entries(rest)) {
    const { dtype, shape, data_offsets } = entry as { dtype: string; shape: number[]; data_offsets: [number, number] };
    const data = Uint8Array.from(bytes.subarray(start + data_offsets[0], start + data_offsets[1]));
    tensors.set(name, { dtype, shape, data });
  }
  return { tensors, metadata };
}
