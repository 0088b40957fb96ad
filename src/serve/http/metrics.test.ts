import { describe, expect, it, vi } from "vitest";
import { writeTinyBundle } from "../bundle.test.support.ts";
import { overloaded } from "../ranker/scorer.ts";
import { ServedModel } from "../ranker/served-model.ts";
import { exampleInfer } from "./inference/infer.test.support.ts";
import { EVENT, post, RANK, type Running, withServer } from "./server.test.support.ts";

/** The samples of a text in the format of Prometheus 0.0.4, by name with labels; throws at a line that it does not allow. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
  const sample = new RegExp(String.raw`^([a-zA-Z_:][\w:]*(?:\{${label}(?:,${label})*,?\})?) (\S+)$`);
  const comment = /^# (?:HELP [a-zA-Z_:][\w:]* .+|TYPE [a-zA-Z_:][\w:]* (?:counter|gauge|histogram|summary))$/;
  for (const line of text.split("\n")) {
    if (line === "" || comment.test(line)) continue;
    const [, name, value] = sample.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`);
    if (samples.has(name)) throw new Error(`twice: ${name}`);
    samples.set(name, Number(value.replace("Inf", "Infinity").replace("Nan", "NaN")));
  }
  return samples;
}

async function scrape(url: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return samplesOf(await response.text());
}

describe("GET /metrics", () => {
  it("counts requests, events, candidates and swaps, and tells of the model and the process", async () => {
    await withServer(async ({ url, dir, host }) => {
      const first = host.current.version;
      await post(`${url}/events`, { events: [EVENT, { ...EVENT, id: "f" }] });
      await post(`${url}/events`, { events: [EVENT] });
      await post(`${url}/rank`, RANK);
      await post(`${url}/rank`, RANK);
      await post(`${url}/rank`, {});
      await post(`${url}/v2/models/tiny/infer`, exampleInfer());
      writeTinyBundle(dir, { shift: 1 });
      await post(`${url}/v2/repository/models/tiny/load`, "");
      const samples = await scrape(url);
      const expected = {
        'lapidary_http_requests_total{route="/rank",status="200"}': 2,
        'lapidary_http_requests_total{route="/rank",status="400"}': 1,
        'lapidary_http_requests_total{route="/v2/models/{name}/infer",status="200"}': 1,
        'lapidary_http_request_duration_seconds_count{route="/rank"}': 3,
        'lapidary_http_request_duration_seconds_bucket{le="+Inf",route="/rank"}': 3,
        lapidary_http_requests_in_flight: 1,
        'lapidary_events_total{kind="added"}': 2,
        'lapidary_events_total{kind="known"}': 1,
        'lapidary_candidates_total{model="tiny",api="rank"}': 4,
        'lapidary_candidates_total{model="tiny",api="infer"}': 2,
        'lapidary_queue_length{model="tiny"}': 0,
        'lapidary_model_swaps_total{model="tiny"}': 1,
        lapidary_overload_refusals_total: 0,
        [`lapidary_model_info{model="tiny",version="${host.current.version}"}`]: 1,
      };
      expect(Object.fromEntries(Object.keys(expected).map((name) => [name, samples.get(name)]))).toEqual(expected);
      expect(samples.has(`lapidary_model_info{model="tiny",version="${first}"}`)).toBe(false);
      expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(0);
      const { user, system } = process.cpuUsage();
      const cpuSeconds = samples.get("process_cpu_seconds_total") ?? 0;
      // All since the process began, not since somebody first asked: nearly what it has used by now.
      expect(cpuSeconds).toBeGreaterThan((0.8 * (user + system)) / 1e6);
      expect(cpuSeconds).toBeLessThanOrEqual((user + system) / 1e6);
      const again = await scrape(url);
      expect(again.get('lapidary_model_swaps_total{model="tiny"}')).toBe(1);
      expect(again.get('lapidary_http_requests_total{route="/metrics",status="200"}')).toBe(1);
    });
  });

  it("has buckets from half a millisecond to five seconds, which do not decrease", async () => {
    await withServer(async ({ url }) => {
      await post(`${url}/rank`, RANK);
      const samples = await scrape(url);
      const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, "+Inf"];
      const counts = bounds.map((bound) =>
        samples.get(`lapidary_http_request_duration_seconds_bucket{le="${bound}",route="/rank"}`),
      );
      expect(counts).toEqual(counts.toSorted((a, b) => (a ?? Number.NaN) - (b ?? Number.NaN)));
      expect(counts.at(-1)).toBe(1);
      const buckets = [...samples.keys()].filter((name) => /^lapidary_http_request_duration\w+_bucket/.test(name));
      expect(buckets).toHaveLength(bounds.length);
    });
  });

  it("has one series for all paths that there are not, and none per model or version asked for", async () => {
    await withServer(async ({ url }) => {
      for (let i = 0; i < 50; i++) {
        await post(`${url}/no/${i}`, {});
        await post(`${url}/v2/models/m${i}/versions/${i}/infer`, "{}");
        await fetch(`${url}/rank?${i}`, { method: "DELETE" });
      }
      const routes = [...(await scrape(url)).keys()].filter((name) => name.startsWith("lapidary_http_requests_total"));
      expect(routes.toSorted()).toEqual([
        'lapidary_http_requests_total{route="/rank",status="405"}',
        'lapidary_http_requests_total{route="/v2/models/{name}/versions/{version}/infer",status="404"}',
        'lapidary_http_requests_total{route="other",status="404"}',
      ]);
    });
  });

  it("counts the requests that are refused because too many wait", async () => {
    const check = async ({ url }: Running): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        const response = await fetch(`${url}/rank`, { method: "POST", body: JSON.stringify(RANK) });
        expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
        expect(await response.json()).toMatchObject({ error: { code: "SERVE_OVERLOADED" } });
      }
      const refused = { status: 503, body: { lapidary: { code: "SERVE_OVERLOADED" } } };
      expect(await post(`${url}/v2/models/tiny/infer`, exampleInfer())).toMatchObject(refused);
      const samples = await scrape(url);
      expect(samples.get("lapidary_overload_refusals_total")).toBe(4);
      expect(samples.get('lapidary_http_requests_total{route="/rank",status="503"}')).toBe(3);
      expect(samples.has('lapidary_candidates_total{model="tiny",api="rank"}')).toBe(false);
    };
    // As a full queue answers: when one is full is tested where the queue is.
    vi.spyOn(ServedModel.prototype, "infer").mockImplementation(() => Promise.reject(overloaded(0)));
    await withServer(check).finally(() => vi.restoreAllMocks());
  });
});
