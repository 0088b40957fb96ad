/** The process that sends requests: what it computes is not in the time of the server nor in that of the harness. */
import { readFileSync } from "node:fs";
import type { LoadRequest } from "./load-generator.ts";
import { httpRequest, type LoadPlan, sendOpenLoop } from "./open-loop.ts";

let requests: readonly Buffer[] = [];

async function answer(message: LoadRequest | LoadPlan): Promise<void> {
  if ("path" in message) {
    const bodies = readFileSync(message.bodies, "utf8").trimEnd().split("\n");
    requests = bodies.map((body) => httpRequest(message.path, body));
    process.send?.(requests.length);
  } else {
    process.send?.(await sendOpenLoop(message, requests));
  }
}

process.on("message", (message: LoadRequest | LoadPlan) => void answer(message));
// Ctrl-C reaches all processes; the harness ends this one.
process.on("SIGINT", () => {});
