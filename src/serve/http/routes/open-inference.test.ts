import { describe, expect, it } from "vitest";
import { EXAMPLE_LOGITS, exampleInfer } from "../inference/infer.test.support.ts";
import { EVENT, get, type JsonAnswer, post, RANK, type Running, withServer } from "../server.test.support.ts";

const infer = (url: string, body: unknown): Promise<JsonAnswer> => post(`${url}/v2/models/tiny/infer`, body);

const ERROR = { error: expect.any(String), lapidary: { code: expect.any(String), where: expect.any(String) } };

describe("the Open Inference Protocol", () => {
  it("tells of the server and of the model", async () => {
    await withServer(async ({ url, host }) => {
      const { version } = host.current;
      expect(await get(`${url}/v2`)).toEqual({
        status: 200,
        body: {
          name: "lapidary",
          version: expect.stringMatching(/^\d+\.\d+\.\d+/),
          extensions: ["model_repository", "binary_tensor_data"],
        },
      });
      const model = await get(`${url}/v2/models/tiny`);
      expect(model).toMatchObject({
        status: 200,
        body: {
          name: "tiny",
          versions: [version],
          platform: "onnx_onnxv1",
          outputs: [{ name: "logits", datatype: "FP32", shape: [-1, 2] }],
        },
      });
      const { inputs } = model.body as { readonly inputs: readonly object[] };
      expect(inputs).toContainEqual({ name: "candidate.item", datatype: "INT32", shape: [-1] });
      expect(inputs).toContainEqual({ name: "numbers", datatype: "FP32", shape: [-1, 2] });
      expect(inputs).toContainEqual({ name: "offsets", datatype: "INT32", shape: [-1] });
      expect(await get(`${url}/v2/models/tiny/versions/${version}`)).toEqual(model);
      const ready = { status: 200, body: { name: "tiny", ready: true } };
      expect(await get(`${url}/v2/models/tiny/ready`)).toEqual(ready);
      expect(await get(`${url}/v2/models/tiny/versions/${version}/ready`)).toEqual(ready);
      const index = { status: 200, body: [{ name: "tiny", version, state: "READY", reason: "" }] };
      expect(await post(`${url}/v2/repository/index`, "")).toEqual(index);
      expect(await post(`${url}/v2/repository/index`, { ready: true })).toEqual(index);
      expect(await post(`${url}/v2/repository/index`, { ready: 1 })).toMatchObject({ status: 400, body: ERROR });
    });
  });

  // The members are those of the request and the answer that the protocol's text shows as its example.
  it.each(["request", "candidate"] as const)("infers what its example asks, with rows per %s", async (userRows) => {
    const check = async ({ url, host }: Running): Promise<void> => {
      const { version } = host.current;
      const body = exampleInfer(userRows);
      const answer = await infer(url, body);
      expect(answer).toEqual({
        status: 200,
        body: {
          id: "42",
          model_name: "tiny",
          model_version: version,
          outputs: [{ name: "logits", shape: [2, 2], datatype: "FP32", data: EXAMPLE_LOGITS }],
        },
      });
      expect(await post(`${url}/v2/models/tiny/versions/${version}/infer`, body)).toEqual(answer);
    };
    await withServer(check, { userRows });
  });

  it("scores the codes of a ranking as the ranking does", async () => {
    await withServer(async ({ url }) => {
      await post(`${url}/events`, { events: [EVENT] });
      const ranking = await post(`${url}/rank`, { ...RANK, candidates: [{ item: "b" }] });
      // Item b is code 2, the event's item a is code 1, and one past event is log1p(1) after standardizing by 0 and 1.
      const { inputs } = exampleInfer();
      const change: Readonly<Record<string, object>> = {
        "candidate.item": { shape: [1], data: [2] },
        numbers: { shape: [1, 2], data: [0, Math.log1p(1)] },
        offsets: { shape: [2], data: [0, 1] },
        "history.item": { shape: [1], data: [1] },
      };
      const one = inputs.map((input) => ({ ...input, shape: [1], data: [1], ...change[input.name] }));
      const answer = await infer(url, { inputs: one });
      const { outputs } = answer.body as { readonly outputs: readonly [{ readonly data: readonly number[] }] };
      const [click, buy] = outputs[0].data.map((logit) => 1 / (1 + Math.exp(-logit)));
      const { ranked } = ranking.body as { readonly ranked: readonly [{ readonly probabilities: object }] };
      expect(ranked[0].probabilities).toEqual({ click: expect.closeTo(click!, 6), buy: expect.closeTo(buy!, 6) });
    });
  });

  it("answers 404 for another model or version, with the protocol's error", async () => {
    await withServer(async ({ url }) => {
      for (const path of [
        "models/other",
        "models/other/ready",
        "models/tiny/versions/1",
        "models/tiny/versions/1/ready",
      ]) {
        expect(await get(`${url}/v2/${path}`), path).toMatchObject({ status: 404, body: ERROR });
      }
      for (const path of ["models/other/infer", "models/tiny/versions/1/infer", "repository/models/other/load", "no"]) {
        expect(await post(`${url}/v2/${path}`, exampleInfer()), path).toMatchObject({ status: 404, body: ERROR });
      }
      expect(await get(`${url}/v2/models/%E0%A4%A`)).toMatchObject({ status: 404, body: ERROR });
    });
  });

  it("answers 400 for tensors that the model cannot read, with the protocol's error and where it is", async () => {
    await withServer(async ({ url }) => {
      const { inputs } = exampleInfer();
      const [, ...fewer] = inputs;
      const huge = inputs.map((input) => (input.name === "numbers" ? { ...input, data: Array(4).fill(3e38) } : input));
      for (const body of [{}, "{", { inputs: fewer }, { inputs: huge }]) {
        const answer = await infer(url, body);
        expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: ERROR });
        expect((answer.body as { readonly error: string }).error).not.toContain("\n");
      }
    });
  });

  it("says that it reads no compressed bodies", async () => {
    await withServer(async ({ url }) => {
      const headers = { "Content-Encoding": "gzip" };
      const response = await fetch(`${url}/v2/models/tiny/infer`, { method: "POST", body: "{}", headers });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ lapidary: { where: "Content-Encoding" } });
    });
  });
});
