import type { Audit } from "../../publish/index.ts";
import { defineCommand, type Outcome } from "../command.ts";
import { text } from "../option.ts";
import { splitOption } from "../split-option.ts";
import { openStoreOption } from "../store-option.ts";

/** `lapidary audit RUN`: whether a server says of logged examples what the run says offline. */
export const audit = defineCommand({
  name: "audit",
  summary: "compares what is served with what the run says offline",
  description:
    "Asks a server to rank the item of every logged example of a window, as of the example's own time, and compares " +
    "the probabilities, expected amounts and counts with those of the run: features, graph and histories are right together or not at all. Fill " +
    "the online store with `lapidary backfill` first. Exits with 1 if one differs by more than 1e-5, " +
    "relative, or a history is another.",
  args: [{ name: "RUN", description: "run whose bundle is served", required: true }],
  options: {
    bundle: text("DIR", "bundle that is served (default: bundles/NAME, by the model's name)"),
    url: text("URL", "address of the server", "http://127.0.0.1:8080"),
    split: text("WINDOW", "window of the split: train, validation or test", "validation"),
    store: text("KIND", "online store: lmdb or redis", "lmdb"),
    storeAt: text("PLACE", "online store whose histories are compared, too (default: they are not)"),
  },
  readsProject: true,
  example: "lapidary audit vertical-full --url http://127.0.0.1:8080 --split test",
  resume: "Run `lapidary audit` again.",
  run: async ({ args: [run = ""], options, signal, loadProject, progress }): Promise<Outcome> => {
    const { bundle, url, split, store, storeAt } = options;
    const project = await loadProject();
    const window = splitOption(split);
    const api = await import("../../publish/index.ts");
    const online = storeAt === null ? null : await openStoreOption({ store, storeAt }, project);
    const shown = progress({ label: "audit", total: null, unit: "examples" });
    try {
      const onProgress = (done: number): void => shown.update({ done });
      const rank = api.rankOverHttp(url);
      const found = await api.audit(project, {
        ...{ run, split: window, rank, online, onProgress, signal },
        ...(bundle && { bundle }),
      });
      shown.finish("");
      const isSame = found.maxDifference <= api.MAX_DIFFERENCE && found.otherCounts + found.otherHistories === 0;
      return { result: { run, split, ...found }, text: describe(found), status: isSame ? "done" : "failed" };
    } finally {
      await online?.close();
    }
  },
});

function describe(found: Audit): string {
  const count = (n: number): string => n.toLocaleString("en");
  const lines = [
    `${count(found.probabilities)} served probabilities of ${count(found.examples)} examples: largest relative ` +
      `difference to offline ${found.maxDifference.toExponential(1)}, mean ${found.meanDifference.toExponential(1)}`,
    `past events: ${count(found.otherCounts)} examples with another number of them online`,
  ];
  if (found.histories > 0) {
    lines.push(`histories: ${count(found.otherHistories)} of ${count(found.histories)} are others online`);
  }
  const { worst } = found;
  if (worst !== null) {
    lines.push(`largest: event ${worst.event}, ${worst.objective}: ${worst.served} served, ${worst.offline} offline`);
  }
  return lines.join("\n");
}
