import { relative } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import type { ProjectConfig } from "../../config/project.ts";
import { defineCommand } from "../command.ts";
import { integer, text } from "../option.ts";
import { openStoreOption } from "../store-option.ts";

/** `lapidary serve`: ranks with an exported model over HTTP until it is stopped. */
export const serve = defineCommand({
  name: "serve",
  summary: "ranks with an exported model over HTTP",
  description:
    "Verifies a bundle, then answers POST /rank and POST /events until Ctrl-C or SIGTERM, which lets the requests in " +
    "flight finish. Outside of a project, name the bundle. POST /v2/repository/models/NAME/load replaces the model by what the bundle's folder holds then.",
  options: {
    bundle: text("DIR", "folder of the bundle (default: the only one of the project)"),
    port: integer("N", "port, 0 for any that is free", { minimum: 0, fallback: 8080 }),
    host: text("ADDRESS", "address to listen at", "127.0.0.1"),
    workers: integer(
      "N",
      "threads that score, 0 for none beside the server's own (default: one per core, or 0 if scoring takes less than 1 ms)",
      {
        minimum: 0,
        fallback: null,
      },
    ),
    maxQueued: integer("N", "requests that may wait to be scored", { minimum: 1, fallback: 256 }),
    store: text("KIND", "online store: lmdb or redis", "lmdb"),
    storeAt: text("PLACE", "its folder, or redis://HOST:PORT (default: online in the project's folder)"),
  },
  readsProject: true,
  example: "lapidary serve --bundle bundles/feedClick --port 8080",
  resume: "Run `lapidary serve` again: acknowledged events are kept.",
  run: async ({ options, signal, say, loadProject }) => {
    const { ModelHost, RankingServer } = await import("../../serve/index.ts");
    const { workers, maxQueued } = options;
    const project = await projectOf(options, loadProject);
    const bundle = options.bundle ?? (await onlyBundle(project));
    const host = await ModelHost.open(bundle, { workers, maxQueued });
    const store = await openStoreOption(options, project);
    const server = await RankingServer.listen({ host, store, address: options.host, port: options.port });
    say(`${host.current.manifest.model.name} ${host.current.version} at ${server.url}`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await server.close();
    await host.close();
    await store.close();
    return { result: { stopped: true, swaps: host.numSwaps }, text: "all requests were answered", status: "stopped" };
  },
});

type Where = { readonly bundle: string | null; readonly storeAt: string | null };

/** The project, if something is left for it to say: a bundle may be served where there is none. */
async function projectOf(
  { bundle, storeAt }: Where,
  loadProject: () => Promise<ProjectConfig>,
): Promise<ProjectConfig | null> {
  if (bundle === null) return loadProject();
  if (storeAt !== null) return null;
  return loadProject().catch((error: unknown) => {
    if (error instanceof LapidaryError && error.code === "CONFIG_NOT_FOUND") return null;
    throw error;
  });
}

async function onlyBundle(project: ProjectConfig | null): Promise<string> {
  const { listBundles } = await import("../../bundle/index.ts");
  const folder = project?.bundles ?? "";
  const [first, ...others] = listBundles(folder);
  if (first !== undefined && others.length === 0) return first;
  const names = [first ?? "", ...others].map((path) => relative(process.cwd(), path));
  if (first === undefined) {
    const hint = "Publish a run with `lapidary export RUN`, or name a bundle with --bundle.";
    throw new LapidaryError({ code: "BUNDLE_NOT_FOUND", where: folder, expected: "a bundle", got: "none", hint });
  }
  throw new LapidaryError({
    code: "USAGE",
    where: "--bundle",
    expected: `one of ${names.join(", ")}`,
    got: "nothing",
    hint: `For example: lapidary serve --bundle ${names[0]}`,
  });
}
