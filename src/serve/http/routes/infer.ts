import { OUTPUTS, objectivesOf } from "../../../features/objectives.ts";
import { parseJson } from "../body.ts";
import { binaryAnswer, INFERENCE, inferAnswer } from "../inference/answers.ts";
import { asksForBinary, withBinaryTensors } from "../inference/binary-tensors.ts";
import { inferBody } from "../inference/describe.ts";
import { parseInfer } from "../inference/tensors.ts";
import { checkVersion, modelOfPath } from "../named-model.ts";
import { type Call, type DescribedModel, defineRoute, type ServerContext } from "../route.ts";

/** Outputs of a model for tensors, as the Open Inference Protocol has them. */
export const INFER = defineRoute({
  name: "infer",
  method: "POST",
  path: "/v2/models/{name}/infer",
  summary: outputsSummary,
  request: ({ manifest }) => inferBody(manifest),
  answer: INFERENCE,
  handle: answerInfer,
});

/** The same, if the version is the one that serves. */
export const INFER_VERSION = defineRoute({
  name: "inferVersion",
  method: "POST",
  path: "/v2/models/{name}/versions/{version}/infer",
  summary: (model) => `${outputsSummary(model)} by a version of the model`,
  request: ({ manifest }) => inferBody(manifest),
  answer: INFERENCE,
  handle: answerInfer,
});

async function answerInfer(
  { params, jsonLength, body }: Call<{ readonly name: string; readonly version?: string }>,
  { models, metrics }: ServerContext,
) {
  const bytes = await body();
  const json = jsonLength === null ? parseJson(bytes) : withBinaryTensors(bytes, jsonLength);
  return modelOfPath(models, params.name).use(async (model) => {
    checkVersion(model, params.version);
    const request = parseInfer(json, model.manifest);
    const scores = await model.infer(request.feeds);
    metrics.countCandidates({ model: model.name, api: "infer" }, request.size);
    return asksForBinary(json) ? binaryAnswer(request, scores, model) : { json: inferAnswer(request, scores, model) };
  });
}

/** What inference answers: the columns where they are not one logit per objective. */
function outputsSummary({ manifest: { spec } }: DescribedModel): string {
  if (spec.objectiveKinds === undefined) return "Logits of tensors";
  const columns = objectivesOf(spec).flatMap(({ name, kind }) => OUTPUTS[kind].map((output) => `${name} ${output}`));
  return `Outputs of tensors (columns: ${columns.join(", ")})`;
}
