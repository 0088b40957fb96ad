/** The last step of the demo: rank what real users were shown on the test days, and say how long it takes. */
import { join } from "node:path";
import { EventStore } from "../../src/data/index.ts";
import type { RawFacts } from "../../src/features/events/raw-event.ts";
import { LoggedEvents } from "../../src/publish/index.ts";
import type { Ranking } from "../../src/serve/index.ts";

/** What one user was shown on the test days, all of it ranked at the time of the first. */
interface Shown {
  readonly user: string;
  readonly timeMs: number;
  readonly candidates: readonly RawFacts[];
}

const NUM_CANDIDATES = 100;

function shownSince(folder: string, fromMs: number): readonly Shown[] {
  const store = EventStore.open(join(folder, ".lapidary", "store"));
  const logged = new LoggedEvents(store);
  const all: Shown[] = [];
  for (let user = 1; user <= store.numUsers; user++) {
    const { start, end } = store.userRange(user);
    const times = store.timesOf(start, end, user);
    const first = times.findIndex((timeMs) => timeMs >= fromMs);
    if (first < 0) continue;
    const candidates = Array.from(times.subarray(first), (_, i) => logged.shown(start + first + i));
    all.push({ user: logged.user(user) ?? "", timeMs: times[first]!, candidates });
  }
  store.close();
  return all;
}

/** @unit ms */
async function latenciesOf(url: string, requests: readonly Shown[]): Promise<{ ms: number[]; rankings: Ranking[] }> {
  const ms: number[] = [];
  const rankings: Ranking[] = [];
  for (const { user, timeMs, candidates } of requests) {
    const body = JSON.stringify({
      user,
      time: timeMs,
      objective: "longView",
      context: { surface: "feed" },
      candidates,
    });
    const start = performance.now();
    const answer = await fetch(`${url}/rank`, { method: "POST", body });
    rankings.push((await answer.json()) as Ranking);
    ms.push(performance.now() - start);
  }
  return { ms: ms.sort((a, b) => a - b), rankings };
}

function latencyLine(what: string, sorted: readonly number[]): string {
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
  return `latency, ${what}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (${sorted.length} requests, one after the other)`;
}

/** Ranks with the server at `url`, and returns lines for people. */
export async function rankRealUsers(url: string, folder: string, fromMs: number): Promise<readonly string[]> {
  const users = shownSince(folder, fromMs);
  const items = new Map(users.flatMap(({ candidates }) => candidates.map((each) => [each["item"], each] as const)));
  const pool = [...items.values()].slice(0, NUM_CANDIDATES);
  // What comes first warms the connection and the compiler.
  await latenciesOf(url, users.slice(0, 50));
  const latencies = await latenciesOf(url, users);
  const wide = await latenciesOf(
    url,
    users.map((each) => ({ ...each, candidates: pool })),
  );
  const most = users.reduce(
    (best, { candidates }, i) => (candidates.length > users[best]!.candidates.length ? i : best),
    0,
  );
  const { user, candidates } = users[most]!;
  const top = latencies.rankings[most]!.ranked.slice(0, 3).map(({ index, probabilities }) => {
    return `${candidates[index]!["item"]} (long view ${(100 * probabilities["longView"]!).toFixed(0)}%)`;
  });
  const mean = users.reduce((sum, each) => sum + each.candidates.length, 0) / users.length;
  return [
    `of ${candidates.length} videos that user ${user} was shown on the test days, first: ${top.join(", ")}`,
    latencyLine(`${users.length} users, the ${mean.toFixed(1)} videos that each was shown`, latencies.ms),
    latencyLine(`${users.length} users, ${pool.length} candidates each`, wide.ms),
  ];
}
