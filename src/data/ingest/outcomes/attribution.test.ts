/** Outcomes of users, against a search through all of a user's events. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ATTRIBUTIONS, type Attribution, type OutcomeConfig } from "../../../config/types.ts";
import { eventsConfig, temporaryFolder } from "../../events.test.support.ts";
import { EventStore } from "../../store/event-store.ts";
import { ingest } from "../ingest.ts";

const WINDOW = 1000;
const START = 1_600_000_000_000;
const user = fc.constantFrom("u1", "u2", "u3");
const item = fc.constantFrom("a", "b");
const time = fc.nat(4000).map((ms) => START + ms);

const events = fc.uniqueArray(fc.record({ user, item, time, click: fc.constantFrom(0, 1, null) }), {
  ...{ minLength: 1, maxLength: 25, size: "max" },
  // Of two events of one instant, what they hold decides.
  selector: (event) => `${event.user} ${event.time}`,
});
const buys = fc.uniqueArray(fc.record({ user: fc.oneof(user, fc.constant("nobody")), item, time }), {
  ...{ minLength: 1, maxLength: 25, size: "max" },
  selector: (buy) => JSON.stringify([buy.user, buy.time]),
});

type Shown = { readonly user: string; readonly item: string; readonly time: number; readonly click: number | null };
type Bought = Omit<Shown, "click">;

function ownEvent(all: readonly Shown[], buy: Bought, { way, isOfItem }: { way: Attribution; isOfItem: boolean }) {
  const own = all.filter((event) => {
    const isNear = event.time <= buy.time && buy.time - event.time <= WINDOW;
    const isKind = way.endsWith("View") || event.click === 1;
    return event.user === buy.user && isNear && isKind && (!isOfItem || event.item === buy.item);
  });
  const sorted = own.toSorted((a, b) => a.time - b.time);
  return way.startsWith("last") ? sorted.at(-1) : sorted[0];
}

async function check(shown: readonly Shown[], bought: readonly Bought[], folder: string): Promise<void> {
  mkdirSync(folder);
  const rows = shown.map((event, n) => {
    const { user: user_id, item: ad_id, time: ts, click: is_click } = event;
    return JSON.stringify({ user_id, ad_id, ts, is_click, n, action: "view" });
  });
  writeFileSync(join(folder, "events.jsonl"), rows.join("\n"));
  const lines = bought.map((buy) => `${buy.user}\t${buy.time}\t${buy.item}`);
  writeFileSync(join(folder, "buys.tsv"), `${["who\twhen\twhat", ...lines].join("\n")}\n`);
  const outcomes = ATTRIBUTIONS.flatMap((attribution) =>
    [null, "what"].map((ofItem): readonly [string, OutcomeConfig] => {
      const files = { from: [join(folder, "buys.tsv")], sql: null, partitions: [] };
      const log = { ...files, format: "tsv", time: { from: "when", unit: "ms" }, value: null } as const;
      const own = { from: "when", kind: "flag", delayMs: WINDOW, objective: true, windowOf: null } as const;
      const key = { user: "who", item: ofItem };
      const arrival = { windowMs: WINDOW, log: { ...log, key }, attribution, measure: "any" } as const;
      return [`${attribution}${ofItem ?? ""}`, { ...own, arrival }];
    }),
  );
  const base = eventsConfig(join(folder, "events.jsonl"), "jsonl");
  const n = { from: "n", kind: "number", ids: { kind: "dictionary" } } as const;
  const click = base.outcomes["click"];
  if (click === undefined) throw new Error("the configuration has no click");
  const config = { ...base, id: null, origin: { value: "organic" }, attributes: { n } };
  const all = { ...config, outcomes: { click, ...Object.fromEntries(outcomes) } };
  const result = await ingest(all, { store: join(folder, "store"), threads: 2 });
  const store = EventStore.open(join(folder, "store"));
  const order = Array.from(store.column("n").slice(0, store.numEvents), (place) => shown[place]!);
  for (const [name, { arrival }] of outcomes) {
    const way = { way: arrival?.attribution ?? "lastView", isOfItem: name.endsWith("what") };
    const owners = bought.map((buy) => ({ buy, event: ownEvent(shown, buy, way) }));
    const expected = order.map((event) => {
      const times = owners.flatMap(({ buy, event: owner }) => (owner === event ? [buy.time - event.time] : []));
      return times.length === 0 ? WINDOW : Math.min(...times);
    });
    expect([...store.column(`known.${name}`).slice(0, store.numEvents)], name).toEqual(expected);
    const isOwned = order.map((event) => owners.some(({ event: owner }) => owner === event));
    const codes = [...store.column(name).slice(0, store.numEvents)];
    expect(
      codes.map((code) => code === 2),
      name,
    ).toEqual(isOwned);
    const matched = owners.filter(({ event }) => event !== undefined).length;
    expect(result.outcomes[name]).toMatchObject({ rows: bought.length, matched });
    const { unmatched = {} } = result.outcomes[name] ?? {};
    const rest = bought.length - matched;
    expect(unmatched).toEqual(rest === 0 ? {} : { "no event of its user within the window": rest });
  }
  store.close();
}

it("outcomes of users are of the event that a search finds, by every way, of an item and of any", async () => {
  using folder = temporaryFolder();
  let round = 0;
  await fc.assert(
    fc.asyncProperty(events, buys, (shown, bought) => check(shown, bought, join(folder.path, `${round++}`))),
    { numRuns: 6, endOnFailure: true },
  );
}, 120_000);
