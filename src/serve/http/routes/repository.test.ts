import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeTinyBundle } from "../../bundle.test.support.ts";
import { EXAMPLE_LOGITS, exampleInfer } from "../inference/infer.test.support.ts";
import { get, post, RANK, withServer } from "../server.test.support.ts";

/** Every tenth time a new model. */
const SWAPS = 80;

interface Ranking {
  readonly version: string;
  readonly ranked: readonly { readonly index: number; readonly probabilities: Readonly<Record<string, number>> }[];
}

interface Inference {
  readonly model_version: string;
  readonly outputs: readonly [{ readonly data: readonly number[] }];
}

/** The published folder of a bundle and one of its files. */
function fileOf(dir: string, name: string): string {
  const version = readFileSync(join(dir, "CURRENT"), "utf8").split(" ")[0] ?? "";
  return join(dir, version, name);
}

describe("POST /v2/repository/models/NAME/load", () => {
  it(`replaces the model ${SWAPS} times while clients rank and infer, without a failed request`, {
    timeout: 300_000,
  }, async () => {
    await withServer(async ({ url, dir, host }) => {
      const shiftOf = new Map([[host.current.version, 0]]);
      let swapping = true;
      const failed: unknown[] = [];
      const seen = new Set<string>();
      const rank = async (): Promise<void> => {
        const { status, body } = await post(`${url}/rank`, { ...RANK, user: "nobody" });
        const { version, ranked } = body as Ranking;
        const first = ranked?.find(({ index }) => index === 0)?.probabilities["click"] ?? Number.NaN;
        // What the version is asked for, it computes: item a has the logit 0.5, and the version's shift.
        const expected = 1 / (1 + Math.exp(-0.5 - (shiftOf.get(version) ?? Number.NaN)));
        if (status !== 200 || !(Math.abs(first - expected) < 1e-6)) failed.push(body);
        seen.add(version);
      };
      const infer = async (): Promise<void> => {
        const { status, body } = await post(`${url}/v2/models/tiny/infer`, exampleInfer());
        const { model_version: version, outputs } = body as Inference;
        const expected = EXAMPLE_LOGITS[0]! + (shiftOf.get(version) ?? Number.NaN);
        if (status !== 200 || !(Math.abs((outputs?.[0].data[0] ?? Number.NaN) - expected) < 1e-5)) failed.push(body);
      };
      const client = async (ask: () => Promise<void>): Promise<void> => {
        while (swapping) await ask();
      };
      const clients = [rank, rank, rank, infer].map(client);
      for (let swap = 1; swap <= SWAPS; swap++) {
        const shift = Math.ceil(swap / 10) / 10;
        if (swap % 10 === 1) {
          writeTinyBundle(dir, { shift });
          // The digest of the manifest is in CURRENT, and the version is its beginning.
          shiftOf.set(readFileSync(join(dir, "CURRENT"), "utf8").trim().split(" ")[1]?.slice(0, 12) ?? "", shift);
        }
        const loaded = await post(`${url}/v2/repository/models/tiny/load`, "");
        expect(loaded).toMatchObject({ status: 200, body: { swaps: swap } });
      }
      swapping = false;
      await Promise.all(clients);
      expect(failed).toEqual([]);
      expect(seen.size).toBeGreaterThan(SWAPS / 20);
      expect(await get(`${url}/health`)).toMatchObject({ body: { model: { swaps: SWAPS } } });
    });
  });

  it("refuses a bundle of which one byte is another, names the file, and goes on with the old model", async () => {
    await withServer(async ({ url, dir, host }) => {
      const before = await post(`${url}/rank`, RANK);
      const { version } = host.current;
      writeTinyBundle(dir, { shift: 1 });
      const path = fileOf(dir, "model.onnx");
      const whole = readFileSync(path);
      const damaged = Buffer.from(whole);
      damaged[100] = (damaged[100] ?? 0) ^ 1;
      writeFileSync(path, damaged);
      const refused = await post(`${url}/v2/repository/models/tiny/load`, "");
      expect(refused).toMatchObject({
        status: 500,
        body: {
          error: expect.stringContaining("model.onnx"),
          lapidary: { code: "BUNDLE_DAMAGED", where: expect.stringContaining("model.onnx") },
        },
      });
      expect(await post(`${url}/rank`, RANK)).toEqual(before);
      expect(await get(`${url}/health`)).toMatchObject({ status: 200, body: { model: { version, swaps: 0 } } });
      writeFileSync(path, whole);
      expect(await post(`${url}/v2/repository/models/tiny/load`, "")).toMatchObject({ status: 200 });
      expect(await post(`${url}/rank`, RANK)).not.toEqual(before);
    });
  });
});
