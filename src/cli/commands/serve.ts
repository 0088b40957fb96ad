import { defineCommand } from "../command.ts";
import { integer, text } from "../option.ts";
import { openStoreOption } from "../store-option.ts";

/** `lapidary serve`: ranks with an exported model over HTTP until it is stopped. */
export const serve = defineCommand({
  name: "serve",
  summary: "ranks with an exported model over HTTP",
  description:
    "Verifies a bundle, then answers POST /rank and POST /events until Ctrl-C or SIGTERM, which lets the requests in " +
    "flight finish. POST /v2/repository/models/NAME/load replaces the model by what the bundle's folder holds then.",
  options: {
    bundle: text("DIR", "folder of the bundle", "bundle"),
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
    storeAt: text("PLACE", "its folder, or redis://HOST:PORT", "online"),
  },
  readsProject: false,
  example: "lapidary serve --bundle bundles/feedClick --port 8080",
  resume: "Run `lapidary serve` again: acknowledged events are kept.",
  run: async ({ options, signal, say }) => {
    const { ModelHost, RankingServer } = await import("../../serve/index.ts");
    const { workers, maxQueued } = options;
    const host = await ModelHost.open(options.bundle, { workers, maxQueued });
    const store = await openStoreOption(options);
    const server = await RankingServer.listen({ host, store, address: options.host, port: options.port });
    say(`${host.current.manifest.model.name} ${host.current.version} at ${server.url}`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await server.close();
    await host.close();
    await store.close();
    return { result: { stopped: true, swaps: host.numSwaps }, text: "all requests were answered", status: "stopped" };
  },
});
