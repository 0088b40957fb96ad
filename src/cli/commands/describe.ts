import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { ProjectConfig } from "../../config/project.ts";
import { SPLITS } from "../../config/types.ts";
import type { EventStore } from "../../data/index.ts";
import type { Profile } from "../../describe/index.ts";
import { defineCommand, type Invocation } from "../command.ts";
import { text } from "../option.ts";
import { profileText } from "../screen/profile-text.ts";

/** `lapidary describe`: what is in the event store, and what of it is suspicious. */
export const describe = defineCommand({
  name: "describe",
  summary: "what is in the event store, and what of it is suspicious",
  description:
    "Looks at every event of the store: per field what is missing and which values it has, rates of labels by " +
    "surface, day and window, lengths of histories, and what is suspicious, each with its evidence and what to do. " +
    "The page with plots goes beside the store.",
  options: { out: text("FILE", "where the page goes (default: describe.html beside the store)") },
  readsProject: true,
  example: "lapidary describe",
  resume: "Run `lapidary describe` again.",
  run: async ({ options: { out }, signal, loadProject, progress }) => {
    const project = await loadProject();
    const { EventStore } = await import("../../data/index.ts");
    const { profilePage } = await import("../../describe/index.ts");
    const { htmlPage } = await import("../../report/html.ts");
    const store = EventStore.open(project.store);
    try {
      const profile = await profileWithProgress(store, { project, signal, progress });
      const page = resolve(out ?? join(dirname(project.store), "describe.html"));
      const notes = project.about === null ? [] : [project.about];
      mkdirSync(dirname(page), { recursive: true });
      writeFileSync(page, htmlPage(profilePage(profile, { title: "Events", notes })));
      return { result: { ...profile, page }, text: `${profileText(profile)}\n\npage: ${page}` };
    } finally {
      store.close();
    }
  },
});

/** What a look at the events needs of a command. */
type Watched = Pick<Invocation<never>, "signal" | "progress"> & { readonly project: ProjectConfig };

/** The profile of a store; shows how far it is. @throws Stopped, if a signal stops it */
export async function profileWithProgress(store: EventStore, watched: Watched): Promise<Profile> {
  const { profileStore } = await import("../../describe/index.ts");
  const { windowOf } = await import("../../data/index.ts");
  const { split, negatives } = watched.project;
  const shown = watched.progress({ label: "describe", unit: "events", total: store.numEvents });
  try {
    return await profileStore(store, {
      windows: SPLITS.map((name) => ({ name, ...windowOf(split, name) })),
      drawsNegatives: negatives !== null,
      onRows: (done) => {
        watched.signal.throwIfAborted();
        shown.update({ done });
      },
    });
  } finally {
    shown.finish("");
  }
}
