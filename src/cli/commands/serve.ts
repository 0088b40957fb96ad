import { LapidaryError } from "../../base/errors.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { BundlePlace } from "../../serve/index.ts";
import { defineCommand } from "../command.ts";
import { integer, text } from "../option.ts";
import { openStoreOption } from "../store-option.ts";

/** `lapidary serve`: ranks with an exported model over HTTP until it is stopped. */
export const serve = defineCommand({
  name: "serve",
  summary: "ranks with exported models over HTTP",
  description:
    "Verifies bundles, then answers POST /rank and POST /events until Ctrl-C or SIGTERM, which lets the requests in " +
    "flight finish. All bundles of a folder are served, by their models' names, and share the online store: a request " +
    "says which `model` it is for where there are several. A bundle that cannot be loaded leaves the others serving. " +
    "POST /v2/repository/models/NAME/load loads a model, or replaces it by what its bundle holds then, and unload takes " +
    "it away. Outside of a project, name the bundle or the folder.",
  options: {
    bundle: text("DIR", "folder of the one bundle to serve"),
    bundles: text("DIR", "folder of the bundles to serve (default: the project's)"),
    port: integer("N", "port, 0 for any that is free", { minimum: 0, fallback: 8080 }),
    host: text("ADDRESS", "address to listen at", "127.0.0.1"),
    workers: integer(
      "N",
      "threads that score, for each model; 0 for none beside the server's own (default: the model's share of the cores, or 0 if scoring takes less than 1 ms)",
      {
        minimum: 0,
        fallback: null,
      },
    ),
    maxQueued: integer("N", "requests of each model that may wait to be scored", { minimum: 1, fallback: 256 }),
    store: text("KIND", "online store: lmdb or redis", "lmdb"),
    storeAt: text("PLACE", "its folder, or redis://HOST:PORT (default: online in the project's folder)"),
  },
  readsProject: true,
  example: "lapidary serve --bundle bundles/feedClick --port 8080",
  resume: "Run `lapidary serve` again: acknowledged events are kept.",
  run: async ({ options, signal, say, loadProject }) => {
    const { ModelRepository, RankingServer } = await import("../../serve/index.ts");
    const { workers, maxQueued } = options;
    const project = await projectOf(options, loadProject);
    const models = await ModelRepository.open(placeOf(options, project), { workers, maxQueued });
    const store = await openStoreOption(options, project);
    const server = await RankingServer.listen({ models, store, address: options.host, port: options.port });
    for (const { name, state, reason } of models.index()) {
      if (state === "UNAVAILABLE") say(`${name} is not served: ${reason}`);
    }
    say(`${models.hosts.map(({ current }) => `${current.name} ${current.version}`).join(", ")} at ${server.url}`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    const swaps = models.hosts.reduce((sum, { numSwaps }) => sum + numSwaps, 0);
    await server.close();
    await models.close();
    await store.close();
    return { result: { stopped: true, swaps }, text: "all requests were answered", status: "stopped" };
  },
});

type Where = Readonly<Record<"bundle" | "bundles" | "storeAt", string | null>>;

/** The project, if something is left for it to say: bundles may be served where there is none. */
async function projectOf(
  { bundle, bundles, storeAt }: Where,
  loadProject: () => Promise<ProjectConfig>,
): Promise<ProjectConfig | null> {
  if (bundle === null && bundles === null) return loadProject();
  if (storeAt !== null) return null;
  return loadProject().catch((error: unknown) => {
    if (error instanceof LapidaryError && error.code === "CONFIG_NOT_FOUND") return null;
    throw error;
  });
}

function placeOf({ bundle, bundles }: Where, project: ProjectConfig | null): BundlePlace {
  if (bundle === null) return { kind: "folder", dir: bundles ?? project?.bundles ?? "" };
  if (bundles === null) return { kind: "bundle", dir: bundle };
  throw new LapidaryError({
    code: "USAGE",
    where: "--bundle",
    expected: "--bundle or --bundles",
    got: "both",
    hint: "--bundle serves one bundle, --bundles all that a folder holds.",
  });
}
