import type { CallView, Operand } from "./call-view.ts";
import type { OnnxTensor } from "./onnx.ts";

/** Values of rows at some codes, [n] → [n, D]. */
export type GatherRows = (codes: Operand) => string;

/**
 * How the rows of a table are gathered: the graph holds them as the table does, and only what was gathered becomes
 * float32, or float64 of float64 rows.
 *
 * @throws {LapidaryError} EXPORT_UNSUPPORTED if int8 rows are none that the model holds
 */
export function rowGatherer(call: CallView, table: Operand): GatherRows {
  const { graph, result } = call;
  const gather = (name: string, codes: Operand): string => graph.node("Gather", [name, codes.name], { axis: 0 });
  if (table.dtype !== "uint8") {
    return (codes) => call.cast({ ...table, name: gather(table.name, codes) }, result.dtype);
  }
  const held = graph.constants.get(table.name) ?? call.refuse("int8 rows that the model holds", "computed ones");
  const { codes: rows, scales, offsets } = splitRows(held);
  const names = {
    rows: graph.constant(rows, `${table.name}.codes`),
    scales: graph.constant(scales, `${table.name}.scales`),
    offsets: graph.constant(offsets, `${table.name}.offsets`),
  };
  return (codes) => {
    const values = call.cast({ ...table, name: gather(names.rows, codes) }, "float32");
    const scaled = graph.node("Mul", [values, gather(names.scales, codes)]);
    return graph.node("Add", [scaled, gather(names.offsets, codes)]);
  };
}

/** A row of int8 is D codes and then the float32 scale and offset; a graph cannot read floats out of bytes. */
const FLOAT_BYTES = 4;

/** @shape rows [V, D + 8] → codes [V, D], scales [V, 1], offsets [V, 1] */
function splitRows({ shape: [count = 0, width = 0], bytes }: OnnxTensor) {
  const dim = width - 2 * FLOAT_BYTES;
  const part = (start: number, length: number): Uint8Array => {
    const copy = new Uint8Array(count * length);
    for (let row = 0; row < count; row++) {
      const from = row * width + start;
      copy.set(bytes.subarray(from, from + length), row * length);
    }
    return copy;
  };
  const floats = (start: number): OnnxTensor => ({
    dtype: "float32",
    shape: [count, 1],
    bytes: part(start, FLOAT_BYTES),
  });
  return {
    codes: { dtype: "uint8", shape: [count, dim], bytes: part(0, dim) } satisfies OnnxTensor,
    scales: floats(dim),
    offsets: floats(dim + FLOAT_BYTES),
  };
}
