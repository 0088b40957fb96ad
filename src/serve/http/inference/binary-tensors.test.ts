import { describe, expect, it } from "vitest";
import { post, withServer } from "../server.test.support.ts";
import { exampleInfer, type InferBody } from "./infer.test.support.ts";

/** Little-endian bytes of numbers. */
function bytesOf(datatype: string, data: readonly unknown[]): Buffer {
  const width = datatype.endsWith("64") ? 8 : 4;
  const view = new DataView(new ArrayBuffer(width * data.length));
  for (const [i, value] of data.entries()) {
    const at = width * i;
    if (datatype === "INT32") view.setInt32(at, Number(value), true);
    if (datatype === "INT64") view.setBigInt64(at, BigInt(Number(value)), true);
    if (datatype === "FP32") view.setFloat32(at, Number(value), true);
    if (datatype === "FP64") view.setFloat64(at, Number(value), true);
  }
  return Buffer.from(view.buffer);
}

/** The request with its tensors behind it, as clients send it by default; every second one if `isMixed`. */
function binaryBody(request: InferBody, isMixed = false): { body: Buffer; length: number } {
  const parts: Buffer[] = [];
  const inputs = request.inputs.map(({ data, ...tensor }, i) => {
    if (isMixed && i % 2 === 0) return { ...tensor, data };
    const part = bytesOf(tensor.datatype, data);
    parts.push(part);
    return { ...tensor, parameters: { binary_data_size: part.length } };
  });
  const json = Buffer.from(JSON.stringify({ ...request, inputs }));
  return { body: Buffer.concat([json, ...parts]), length: json.length };
}

async function send(url: string, { body, length }: { body: Buffer; length: number | string }) {
  const headers = { "Inference-Header-Content-Length": `${length}` };
  const response = await fetch(`${url}/v2/models/tiny/infer`, { method: "POST", body, headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  const split = response.headers.get("inference-header-content-length");
  const jsonLength = split === null ? bytes.length : Number(split);
  const json = JSON.parse(bytes.subarray(0, jsonLength).toString());
  return { status: response.status, json, rest: bytes.subarray(jsonLength) };
}

describe("tensors in binary", () => {
  it.each([false, true])("are those in JSON, of both widths; some of them in JSON: %s", async (isMixed) => {
    await withServer(async ({ url }) => {
      const request = exampleInfer();
      const expected = await post(`${url}/v2/models/tiny/infer`, request);
      const wide = request.inputs.map((input) => {
        return { ...input, datatype: input.datatype === "INT32" ? "INT64" : "FP64" };
      });
      for (const inputs of [request.inputs, wide]) {
        const { status, json, rest } = await send(url, binaryBody({ ...request, inputs }, isMixed));
        expect({ status, body: json }).toEqual(expected);
        expect(rest).toHaveLength(0);
      }
    });
  });

  it("come back in binary where a request asks for it, for all outputs or for the one", async () => {
    await withServer(async ({ url }) => {
      const request = exampleInfer();
      const expected = (await post(`${url}/v2/models/tiny/infer`, request)).body as {
        outputs: [{ data: readonly number[] }];
      };
      const asking = [
        { ...request, outputs: [{ name: "logits", parameters: { binary_data: true } }] },
        { ...request, outputs: undefined, parameters: { binary_data_output: true } },
      ];
      for (const each of asking) {
        const { status, json, rest } = await send(url, binaryBody(each));
        expect(status).toBe(200);
        const { data: _, ...output } = expected.outputs[0] as Record<string, unknown>;
        expect(json.outputs).toEqual([{ ...output, parameters: { binary_data_size: rest.length } }]);
        const logits = Array.from({ length: rest.length / 4 }, (_, i) => rest.readFloatLE(4 * i));
        expect(logits).toEqual(expected.outputs[0].data);
      }
    });
  });

  it("are refused with 400 where their bytes are not what the request says", async () => {
    await withServer(async ({ url }) => {
      const { body, length } = binaryBody(exampleInfer());
      const [first, ...others] = exampleInfer().inputs;
      const sized = (binary_data_size: unknown) => {
        const inputs = [{ ...first!, data: undefined, parameters: { binary_data_size } }, ...others];
        const json = Buffer.from(JSON.stringify({ inputs }));
        return { body: Buffer.concat([json, Buffer.alloc(8)]), length: json.length };
      };
      const bad = [
        { body, length: body.length + 1 },
        { body, length: "-1" },
        { body, length: "x" },
        { body, length: 3 },
        { body: body.subarray(0, -1), length },
        { body: Buffer.concat([body, Buffer.alloc(1)]), length },
        ...[6, 9, -4, 1e9, "4", null, 1.5].map(sized),
      ];
      for (const each of bad) {
        const { status, json } = await send(url, each);
        expect({ status, json }).toMatchObject({ status: 400, json: { lapidary: { code: "SERVE_REQUEST" } } });
      }
    });
  });
});
