import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoadGenerator, type LoadSummary, percentile } from "./load-generator.ts";

describe("percentile", () => {
  test("is the smallest value that enough values do not exceed", () => {
    const shares = fc.integer({ min: 0, max: 1000 }).map((share) => share / 1000);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1 }), shares, (values, share) => {
        const reaches = (bound: number) => values.filter((value) => value <= bound).length >= share * values.length;
        const smallest = Math.min(...values.filter(reaches));
        expect(percentile(Float64Array.from(values), share)).toBe(smallest);
      }),
    );
  });

  test("is NaN for none", () => {
    expect(percentile(new Float64Array(0), 0.5)).toBeNaN();
  });
});

/** Sends bodies `0 … 9` in turn to a server of this process. */
async function sendTo(listener: RequestListener, count: number): Promise<LoadSummary> {
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const bodies = join(folder, "bodies");
    writeFileSync(bodies, Array.from({ length: 10 }, (_, i) => `{"i":${i}}\n`).join(""));
    await using generator = await LoadGenerator.start({ path: "/a", bodies });
    return await generator.run({ port: (server.address() as AddressInfo).port, perSecond: 1000, count });
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

/** Answers each request as soon as it has all of it. */
function answering(answer: (body: string) => { readonly status: number; readonly text: string }): RequestListener {
  return (request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text) => {
      body += text;
    });
    request.on("end", () => {
      const { status, text } = answer(body);
      response.writeHead(status, { "Content-Length": Buffer.byteLength(text) }).end(text);
    });
  };
}

describe("LoadGenerator", () => {
  test("sends every request once, in turn, and reads answers of any length", async () => {
    const received: string[] = [];
    const summary = await sendTo(
      answering((body) => {
        received.push(body);
        return { status: 200, text: "x".repeat(received.length % 3 === 0 ? 300_000 : received.length % 2) };
      }),
      50,
    );
    expect(summary.errors).toBe(0);
    expect(received.toSorted()).toEqual(Array.from({ length: 50 }, (_, i) => `{"i":${i % 10}}`).toSorted());
    expect(summary.p50).toBeLessThanOrEqual(summary.p99);
    expect(summary.p99).toBeLessThanOrEqual(summary.max);
  });

  test("counts other answers, and none at all, as errors", async () => {
    let number = 0;
    const refused = answering(() => ({ status: number++ % 2 === 0 ? 503 : 200, text: "{}" }));
    expect(await sendTo(refused, 20)).toMatchObject({ errors: 10 });
    let begun = 0;
    const cut: RequestListener = (request, response) => {
      if (begun++ % 4 === 0) request.socket.destroy();
      else refused(request, response);
    };
    expect((await sendTo(cut, 20)).errors).toBeGreaterThanOrEqual(5);
  });

  test("counts time from when a request was due, so a stall shows in all that were due meanwhile", async () => {
    let stalled = false;
    const stalling: RequestListener = (_, response) => {
      // 200 requests are due in 200 ms: half of the time this process does nothing else.
      const until = performance.now() + (stalled ? 0 : 150);
      stalled = true;
      while (performance.now() < until);
      response.writeHead(200, { "Content-Length": 0 }).end();
    };
    const { p50, errors } = await sendTo(stalling, 200);
    expect(errors).toBe(0);
    expect(p50).toBeGreaterThan(20);
  });

  test("opens connections when none is free", async () => {
    const waiting: (() => void)[] = [];
    const holding: RequestListener = (_, response) => {
      waiting.push(() => response.writeHead(200, { "Content-Length": 0 }).end());
      // The first answers come after every request has arrived.
      if (waiting.length >= 40) for (const answer of waiting.splice(0)) answer();
    };
    expect(await sendTo(holding, 40)).toMatchObject({ errors: 0, lateConnections: 8 });
  });
});
