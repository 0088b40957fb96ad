import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { BUILT_ADDON, findAddon, PACKAGE } from "../../torch/addon.ts";
import { type Check, ok, SET_UP } from "./check.ts";
import type { TorchReport } from "./torch-report.ts";

const WORKER = fileURLToPath(new URL("./torch-worker.js", import.meta.url));

/** Loads the addon in a child process, which may die of it. */
export function probeTorch(signal: AbortSignal): Promise<TorchReport> {
  return new Promise((resolve) => {
    execFile(process.execPath, [WORKER], { signal, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error === null) return resolve(JSON.parse(stdout) as TorchReport);
      const last = stderr.trim().split("\n").at(-1) ?? "";
      const how = error.signal ? `loading it ended the process with ${error.signal}` : `loading it failed`;
      resolve({ kind: "unavailable", reason: last === "" ? how : `${how}: ${last}` });
    });
  });
}

/** Whether libtorch is there and runs on what it should run on. */
export function checkTorch(report: TorchReport, gpus: readonly string[]): readonly Check[] {
  if (report.kind === "unavailable") return [unavailable(report.reason), gpuCheck(gpus, false)];
  const { torch, path, blas, instructionSet, gloo, cuda } = report;
  return [
    ok("libtorch", path === "" ? torch : `${torch}, ${path}`),
    blasCheck(blas),
    ...coreTypeCheck(),
    ok("kernels", instructionSet),
    gloo ? ok("Gloo", "linked") : { name: "Gloo", state: "absent", found: "not linked: one process only", fix: SET_UP },
    gpuCheck(gpus, cuda),
  ];
}

function unavailable(reason: string): Check {
  const found = findAddon() === null ? `the native addon was not built (${BUILT_ADDON})` : reason;
  return { name: "libtorch", state: "failed", found, fix: SET_UP };
}

function blasCheck(blas: string): Check {
  if (blas === "") return ok("BLAS", "libtorch's own");
  if (/openblas/i.test(blas)) return ok("BLAS", `OpenBLAS, ${blas}`);
  const found = `${blas}, which is not OpenBLAS: matrix products may take twenty times as long`;
  return { name: "BLAS", state: "warning", found, fix: SET_UP };
}

/** Someone else's setting, under which OpenBLAS does not use what the CPU can do. */
function coreTypeCheck(): readonly Check[] {
  const value = process.env["OPENBLAS_CORETYPE"];
  if (value === undefined) return [];
  const found = `OPENBLAS_CORETYPE=${value} makes OpenBLAS take the kernels of that CPU, whatever this one is`;
  return [{ name: "environment", state: "warning", found, fix: "unset OPENBLAS_CORETYPE" }];
}

function gpuCheck(gpus: readonly string[], cuda: boolean): Check {
  if (cuda) return ok("GPU", gpus.length === 0 ? "CUDA" : `${gpus.join(", ")}, CUDA`);
  if (gpus.length === 0) return { name: "GPU", state: "absent", found: "none; the CPU is used", fix: null };
  const fix = `cd ${PACKAGE} && LIBTORCH=/path/to/libtorch-with-cuda npm run setup`;
  return { name: "GPU", state: "warning", found: `${gpus.join(", ")}, but this libtorch has no CUDA`, fix };
}
