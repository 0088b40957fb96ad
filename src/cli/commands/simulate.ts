import { LapidaryError } from "../../base/errors.ts";
import type { SimulateResult } from "../../simulate/index.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../option.ts";
import { formatCount } from "../screen/progress-line.ts";
import { formatPairs } from "../screen/table.ts";

/** `lapidary simulate`: a synthetic world → its log, and the truth beside it. */
export const simulate = defineCommand({
  name: "simulate",
  summary: "makes the log of a synthetic world, and its true probabilities",
  description:
    "Makes the log of the synthetic world that the configuration describes under `world`, and beside it the true " +
    "probability of every outcome, which `lapidary evaluate` shows as one more row. One seed gives one world, byte " +
    "for byte. A world that was made from the same configuration is left as it is.",
  options: {
    force: flag("makes the world again even if it is there"),
    oracles: flag(
      "writes too what could be known without moods, intents, interests, quality and so on, for `evaluate`",
    ),
  },
  readsProject: true,
  example: "lapidary simulate --config examples/world",
  resume: "Run `lapidary simulate` again: it starts over, and gives the same world.",
  run: async ({ options: { force, oracles }, signal, loadProject, progress }) => {
    const { world, root } = await loadProject();
    if (world === null) throw noWorld(root);
    const { simulate: run } = await import("../../simulate/index.ts");
    const shown = progress({ label: "simulate", unit: "days", total: world.days });
    const onDay = (done: number, events: number) => shown.update({ done, detail: `${formatCount(events)} events` });
    try {
      const result = await run(world, { force, oracles, signal, onDay });
      return { result, text: describe(result) };
    } finally {
      shown.finish("");
    }
  },
});

function describe({ upToDate, events, log, truth, oracles }: SimulateResult): string {
  const facts = formatPairs([
    ["events", formatCount(events)],
    ["log", log],
    ["truth", truth],
    ...(oracles === null ? [] : [["oracles", oracles] as const]),
  ]);
  return upToDate ? `${facts}\nThe world was already there; --force makes it again.` : facts;
}

function noWorld(root: string): LapidaryError {
  return new LapidaryError({
    code: "WORLD_ABSENT",
    where: root,
    expected: "`world` in the configuration",
    got: "nothing",
    hint: "Add `world: {}` for a world of defaults, or take --config examples/world.",
  });
}
