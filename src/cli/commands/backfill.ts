import type { LeftOut } from "../../publish/index.ts";
import { defineCommand } from "../command.ts";
import { text } from "../option.ts";
import { openStoreOption } from "../store-option.ts";

/** Characters of an id that are shown. */
const SHOWN = 60;

/** `lapidary backfill`: fills an online store with the events of the log. */
export const backfill = defineCommand({
  name: "backfill",
  summary: "fills the online store with the events of the event store",
  description:
    "Adds every event of the event store to the store that `lapidary serve` reads histories from, so that the first " +
    "requests see the pasts that models have learned from. With --teacher the events also get what `lapidary " +
    "generate` has written of the user at them, which models with the techniques representations and full read.",
  options: {
    teacher: text("NAME", "model whose embeddings the events get (default: none)"),
    store: text("KIND", "online store: lmdb or redis", "lmdb"),
    storeAt: text("PLACE", "its folder, or redis://HOST:PORT (default: online in the project's folder)"),
  },
  readsProject: true,
  example: "lapidary backfill --teacher foundation",
  resume: "Run `lapidary backfill` again: events that were added are not added twice.",
  run: async ({ options: { teacher, ...where }, signal, loadProject, progress }) => {
    const project = await loadProject();
    const api = await import("../../publish/index.ts");
    const online = await openStoreOption(where, project);
    const shown = progress({ label: "backfill", total: null, unit: "events" });
    try {
      const onProgress = (done: number): void => shown.update({ done });
      const filled = await api.backfill(project, { online, teacher, onProgress, signal });
      shown.finish("");
      const count = (n: number): string => n.toLocaleString("en");
      const text = `${count(filled.events)} events, ${count(filled.added)} of them new, ${count(filled.embeddings)} with an embedding`;
      return { result: filled, text: [text, ...describeLeftOut(filled.leftOut)].join("\n") };
    } finally {
      await online.close();
    }
  },
});

function describeLeftOut({ events, first, file }: LeftOut): readonly string[] {
  if (events === 0) return [];
  const lines = first.map(
    ({ user, time, where, expected, got }) => `  user ${short(user)}, ${time}: ${where} has ${got}, not ${expected}`,
  );
  return [`left out ${events.toLocaleString("en")} that the online store cannot hold, all in ${file}:`, ...lines];
}

function short(id: string): string {
  return id.length > SHOWN ? `${id.slice(0, SHOWN)}…` : id;
}
