/** A server of three models: each request is answered by the one that it names, whatever happens to the others. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AMOUNT_OUTCOMES, writeTinyBundle } from "../../bundle.test.support.ts";
import { EXAMPLE_LOGITS, exampleInfer } from "../inference/infer.test.support.ts";
import { EVENT, get, post, RANK, type RunningMany, withModels } from "../server.test.support.ts";

/** What each model adds to the logit of `click`. */
const SHIFTS = { one: { shift: 0 }, two: { shift: 0.25 }, three: { shift: 0.5 } } as const;
const NAMES = ["one", "two", "three"] as const;
type Name = (typeof NAMES)[number];

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

interface Ranking {
  readonly model: string;
  readonly version: string;
  readonly ranked: readonly { readonly index: number; readonly probabilities: Readonly<Record<string, number>> }[];
}

/** What is wrong with a ranking by a model whose shift is one of these; null if nothing is. */
function faultOf(
  answer: { readonly status: number; readonly body: unknown },
  model: string,
  shifts: readonly number[],
) {
  const { ranked, model: by } = answer.body as Ranking;
  const click = ranked?.find(({ index }) => index === 0)?.probabilities["click"] ?? Number.NaN;
  // Item a has the logit 0.5, and nobody has no past.
  const fits = shifts.some((shift) => Math.abs(click - sigmoid(0.5 + shift)) < 1e-6);
  return answer.status === 200 && by === model && fits ? null : answer.body;
}

const rank = ({ url }: RunningMany, model: string) => post(`${url}/rank`, { ...RANK, user: "nobody", model });

/** A whole number of more digits than a double holds is read as a text: it may be an id. */
function isReadAsText(value: unknown): boolean {
  return typeof value === "string" || /^-?\d{16,}$/.test(String(JSON.stringify(value)));
}

describe("a server of several models", () => {
  it("answers each path and each ranking by the model that it names", async () => {
    await withModels(SHIFTS, async (at) => {
      const { url, models } = at;
      for (const name of NAMES) {
        const { version } = models.host(name)!.current;
        expect(faultOf(await rank(at, name), name, [SHIFTS[name].shift])).toBeNull();
        expect(await get(`${url}/v2/models/${name}`)).toMatchObject({ body: { name, versions: [version] } });
        expect(await get(`${url}/v2/models/${name}/versions/${version}/ready`)).toMatchObject({
          body: { ready: true },
        });
        const inferred = await post(`${url}/v2/models/${name}/infer`, exampleInfer());
        const { model_name, outputs } = inferred.body as { model_name: string; outputs: [{ data: number[] }] };
        expect([model_name, outputs[0].data[0]]).toEqual([name, EXAMPLE_LOGITS[0]! + SHIFTS[name].shift]);
        const other = models.host(name === "one" ? "two" : "one")!.current.version;
        expect((await get(`${url}/v2/models/${name}/versions/${other}`)).status).toBe(404);
      }
      const all = NAMES.toSorted().map((name) => ({ name, version: models.host(name)!.current.version, swaps: 0 }));
      expect(await get(`${url}/health`)).toEqual({ status: 200, body: { ok: true, models: all } });
    });
  });

  it("says which models there are where a ranking names none, or another", async () => {
    await withModels(SHIFTS, async (at) => {
      const expected = "one of the models one, three, two";
      const ask = (body: object) => post(`${at.url}/rank`, { ...RANK, ...body });
      const unnamed = { code: "SERVE_REQUEST", where: "model", expected, got: "nothing" };
      expect(await ask({})).toMatchObject({ status: 400, body: { error: unnamed } });
      const unknown = { code: "SERVE_NOT_FOUND", where: "model", expected, got: "'four'" };
      expect(await ask({ model: "four" })).toMatchObject({ status: 404, body: { error: unknown } });
      for (const model of [1, null, {}, ["one"], true]) {
        const wrong = { code: "SERVE_REQUEST", where: "model", expected: "the name of a model" };
        expect(await ask({ model })).toMatchObject({ status: 400, body: { error: wrong } });
      }
      expect(await post(`${at.url}/rank`, [])).toMatchObject({ status: 400, body: { error: { where: "body" } } });
    });
  });

  it("answers any value of `model` with a ranking of that model, or with what is wrong of it", async () => {
    await withModels(SHIFTS, async (at) => {
      const model = fc.oneof(
        fc.constantFrom<unknown>(...NAMES, undefined, "constructor", "__proto__", "ONE", " one", "one\0"),
        fc.jsonValue(),
        fc.maxSafeInteger(),
        fc.string({ unit: "binary" }),
      );
      const check = async (value: unknown): Promise<void> => {
        const text = JSON.stringify({ ...RANK, user: "nobody", model: value });
        const answer = await post(`${at.url}/rank`, text);
        const sent = (JSON.parse(text) as { readonly model?: unknown }).model;
        const name = NAMES.find((each) => each === sent);
        if (name !== undefined) {
          expect(faultOf(answer, name, [SHIFTS[name].shift])).toBeNull();
          return;
        }
        expect(answer).toMatchObject({ status: isReadAsText(sent) ? 404 : 400 });
        expect(answer).toMatchObject({ body: { error: { where: expect.stringMatching(/^model/) } } });
      };
      await fc.assert(fc.asyncProperty(model, check), { numRuns: 500 });
    });
  });

  it("keeps one history of a user for all of them", async () => {
    await withModels(SHIFTS, async (at) => {
      expect(await post(`${at.url}/events`, { events: [EVENT] })).toMatchObject({ body: { added: 1 } });
      for (const model of NAMES) {
        expect(await post(`${at.url}/rank`, { ...RANK, model })).toMatchObject({ body: { model, numPast: 1 } });
      }
    });
  });

  it("loads, replaces and unloads models while requests run, and loses none", { timeout: 300_000 }, async () => {
    await withModels(SHIFTS, async (at) => {
      const { url, bundle } = at;
      const faults: unknown[] = [];
      const statuses = new Map<string, Set<number>>(NAMES.map((name) => [name, new Set()]));
      let changing = true;
      const shifts: Readonly<Record<Name, readonly number[]>> = { one: [0], two: [0.25, 1, 2], three: [0.5] };
      const client = async (name: Name): Promise<void> => {
        while (changing) {
          const answer = await rank(at, name);
          statuses.get(name)?.add(answer.status);
          // The one that comes and goes may be away: then the answer says so.
          const isAway = name === "three" && answer.status === 404;
          const away = { error: { code: "SERVE_NOT_FOUND", where: "model", got: "'three'" } };
          if (isAway) expect(answer.body).toMatchObject(away);
          else faults.push(faultOf(answer, name, shifts[name]));
        }
      };
      const clients = [...NAMES, ...NAMES].map(client);
      for (let round = 0; round < 10; round++) {
        writeTinyBundle(bundle("two"), { name: "two", shift: 1 + (round % 2) });
        const [loaded] = await Promise.all([
          post(`${url}/v2/repository/models/two/load`, ""),
          post(`${url}/v2/repository/models/three/unload`, ""),
        ]);
        expect(loaded).toMatchObject({ status: 200, body: { name: "two", swaps: round + 1 } });
        expect((await rank(at, "three")).status).toBe(404);
        expect((await get(`${url}/v2/models/three/ready`)).status).toBe(404);
        expect(await post(`${url}/v2/repository/models/three/load`, "")).toMatchObject({ body: { swaps: 0 } });
        expect((await rank(at, "three")).status).toBe(200);
      }
      changing = false;
      await Promise.all(clients);
      expect(faults.length).toBeGreaterThan(50);
      expect(faults.filter((fault) => fault !== null)).toEqual([]);
      expect([...statuses].map(([name, seen]) => [name, [...seen].filter((status) => status > 404)])).toEqual(
        NAMES.map((name) => [name, []]),
      );
      expect([...(statuses.get("one") ?? []), ...(statuses.get("two") ?? [])]).toEqual([200, 200]);
    });
  });

  it("lists what serves and what does not, with the reason, and only what serves where that is asked", async () => {
    await withModels(SHIFTS, async ({ url, bundle, models }) => {
      const versionOf = (name: string): string => readFileSync(join(bundle(name), "CURRENT"), "utf8").slice(3, 15);
      appendFileSync(join(bundle("two"), "v1", "model.onnx"), "x");
      const refused = await post(`${url}/v2/repository/models/two/load`, "");
      expect(refused).toMatchObject({ status: 500, body: { lapidary: { code: "BUNDLE_DAMAGED" } } });
      await post(`${url}/v2/repository/models/three/unload`, "");
      writeTinyBundle(bundle("later"), { name: "later" });
      writeTinyBundle(bundle("strange"), { name: "strange", outcomes: AMOUNT_OUTCOMES });
      const strange = await post(`${url}/v2/repository/models/strange/load`, "");
      expect(strange).toMatchObject({ status: 409, body: { lapidary: { code: "SERVE_MODELS" } } });
      const away = (name: string, reason: unknown) => {
        return { name, version: versionOf(name), state: "UNAVAILABLE", reason };
      };
      const ready = ["one", "two"].map((name) => ({ name, version: versionOf(name), state: "READY", reason: "" }));
      expect((await post(`${url}/v2/repository/index`, {})).body).toEqual([
        ...ready,
        away("later", "not loaded"),
        away("strange", expect.stringContaining("SERVE_MODELS")),
        away("three", "unloaded"),
      ]);
      expect((await post(`${url}/v2/repository/index`, { ready: true })).body).toEqual(ready);
      expect(await post(`${url}/v2/repository/models/later/load`, "")).toMatchObject({ status: 200 });
      expect(models.host("later")).not.toBeNull();
      expect((await post(`${url}/v2/repository/models/never/load`, "")).status).toBe(404);
      expect((await post(`${url}/v2/repository/models/never/unload`, "")).status).toBe(404);
    });
  });

  it("counts by model", async () => {
    await withModels(SHIFTS, async (at) => {
      await rank(at, "one");
      await rank(at, "two");
      await rank(at, "two");
      await post(`${at.url}/v2/models/two/infer`, exampleInfer());
      await post(`${at.url}/v2/repository/models/two/load`, "");
      await post(`${at.url}/v2/repository/models/three/unload`, "");
      const text = await (await fetch(`${at.url}/metrics`)).text();
      const { version } = at.models.host("two")!.current;
      for (const line of [
        'lapidary_candidates_total{model="one",api="rank"} 2',
        'lapidary_candidates_total{model="two",api="rank"} 4',
        'lapidary_candidates_total{model="two",api="infer"} 2',
        'lapidary_warnings_total{model="one",code="RANK_BIDS"} 1',
        'lapidary_warnings_total{model="two",code="RANK_BIDS"} 2',
        'lapidary_model_swaps_total{model="one"} 0',
        'lapidary_model_swaps_total{model="two"} 1',
        'lapidary_queue_length{model="two"} 0',
        `lapidary_model_info{model="two",version="${version}"} 1`,
      ]) {
        expect(text.split("\n")).toContain(line);
      }
      expect(text).not.toContain('model="three"');
    });
  });

  it("serves nothing, and says so, when the last is unloaded; events are taken all the same", async () => {
    await withModels({ one: {} }, async ({ url }) => {
      expect(await post(`${url}/rank`, RANK)).toMatchObject({ status: 200, body: { model: "one" } });
      expect(await post(`${url}/v2/repository/models/one/unload`, "")).toMatchObject({ status: 200 });
      const none = { code: "SERVE_NOT_FOUND", where: "model", expected: "a model that serves, of which there is none" };
      expect(await post(`${url}/rank`, RANK)).toMatchObject({ status: 404, body: { error: none } });
      expect(await post(`${url}/events`, { events: [EVENT] })).toMatchObject({ status: 200, body: { added: 1 } });
      expect(await get(`${url}/health`)).toEqual({ status: 200, body: { ok: true, models: [] } });
      expect(await get(`${url}/v2/health/ready`)).toEqual({ status: 503, body: { ready: false } });
      expect((await get(`${url}/openapi.json`)).status).toBe(200);
      expect(await post(`${url}/v2/repository/models/one/load`, "")).toMatchObject({ status: 200 });
      expect(await post(`${url}/rank`, RANK)).toMatchObject({ status: 200, body: { numPast: 1 } });
    });
  });
});
