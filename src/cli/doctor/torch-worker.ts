/**
 * Loads the native addon in a process of its own, because a libtorch that does not fit the machine may end the process
 * that loads it. Writes one line of JSON: what was loaded, or why not.
 */
import { readFileSync } from "node:fs";
import { LapidaryError } from "../../base/errors.ts";
import type { TorchReport } from "./torch-report.ts";

/** Path of the loaded libtorch; empty where the system does not tell. */
function loadedLibtorch(): string {
  try {
    return /\S*\/libtorch_cpu\.so\S*/.exec(readFileSync("/proc/self/maps", "utf8"))?.[0] ?? "";
  } catch {
    return "";
  }
}

async function report(): Promise<TorchReport> {
  try {
    const { buildInfo } = await import("../../torch/runtime.ts");
    return { kind: "loaded", ...buildInfo(), path: loadedLibtorch() };
  } catch (error) {
    const reason = error instanceof LapidaryError ? error.got : String(error);
    return { kind: "unavailable", reason: reason.split("\n")[0] ?? "" };
  }
}

process.stdout.write(`${JSON.stringify(await report())}\n`);
