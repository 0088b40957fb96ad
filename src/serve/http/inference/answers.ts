import Type, { type Static } from "typebox";
import { GRAPH_OUTPUT } from "../../../bundle/index.ts";
import type { Scores } from "../../ranker/messages.ts";
import { JSON_LENGTH_HEADER, type TypedAnswer } from "../answer.ts";
import { wrong } from "../values/problems.ts";
import { strictObject, TEXT } from "../values/shapes.ts";
import { DATATYPES, type InferRequest, TENSOR } from "./tensors.ts";

/** The answer to a call of `infer`. */
export const INFERENCE = strictObject({
  model_name: TEXT,
  model_version: TEXT,
  id: Type.Optional(TEXT),
  outputs: Type.Array(
    strictObject({
      ...TENSOR,
      name: Type.Literal(GRAPH_OUTPUT),
      datatype: Type.Literal(DATATYPES.float32[0]),
      data: Type.Array(Type.Number()),
    }),
  ),
});

/** Who answers. */
interface Answering {
  readonly name: string;
  readonly version: string;
}

/** What {@link INFERENCE} describes. @throws {LapidaryError} SERVE_REQUEST if JSON has no form of a logit */
export function inferAnswer(
  { id }: InferRequest,
  { logits, dims }: Scores,
  { name, version }: Answering,
): Static<typeof INFERENCE> {
  const bad = logits.find((logit) => !Number.isFinite(logit));
  if (bad !== undefined) throw wrong("inputs", "numbers with which all logits are finite", bad);
  const [datatype] = DATATYPES.float32;
  return {
    model_name: name,
    model_version: version,
    ...(id === null ? {} : { id }),
    outputs: [{ name: GRAPH_OUTPUT, datatype, shape: [...dims], data: Array.from(logits) }],
  };
}

/** The same, with the logits as little-endian float32 behind the JSON, where NaN and infinities have a form. */
export function binaryAnswer(
  { id }: InferRequest,
  { logits, dims }: Scores,
  { name, version }: Answering,
): TypedAnswer {
  const data = new DataView(new ArrayBuffer(4 * logits.length));
  for (const [i, logit] of logits.entries()) data.setFloat32(4 * i, logit, true);
  const parameters = { binary_data_size: data.byteLength };
  const output = { name: GRAPH_OUTPUT, datatype: DATATYPES.float32[0], shape: dims, parameters };
  const facts = { model_name: name, model_version: version, ...(id === null ? {} : { id }), outputs: [output] };
  const text = Buffer.from(JSON.stringify(facts));
  return {
    type: "application/octet-stream",
    headers: { [JSON_LENGTH_HEADER]: `${text.length}` },
    body: Buffer.concat([text, new Uint8Array(data.buffer)]),
  };
}
