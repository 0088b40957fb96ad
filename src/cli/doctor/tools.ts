import { execFile } from "node:child_process";
import { firstLineOf } from "../../base/message.ts";
import { PACKAGE } from "../../torch/addon.ts";
import { asRoot, type Check, ok } from "./check.ts";

/** Debian's, because its python3-torch is for this one, whatever else is first in PATH. */
const PYTHON = "/usr/bin/python3";
const PYTHON_PACKAGES = "python3-torch python3-numpy";

/** The engine that reads logs. */
export async function checkDuckDb(): Promise<Check> {
  try {
    const { DuckDBInstance, version } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:");
    instance.closeSync();
    return ok("DuckDB", version());
  } catch (error) {
    return { name: "DuckDB", state: "failed", found: firstLineOf(error), fix: `cd ${PACKAGE} && npm install` };
  }
}

/** What the benchmarks are compared with. */
export function checkPeers(signal: AbortSignal): Promise<Check> {
  const program = "import torch, numpy; print('torch', torch.__version__ + ', numpy', numpy.__version__)";
  return new Promise((resolve) => {
    execFile(PYTHON, ["-c", program], { signal, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error === null) return resolve(ok("bench peers", `${stdout.trim()} (${PYTHON})`));
      const reason = stderr.trim().split("\n").at(-1) || firstLineOf(error);
      resolve({
        name: "bench peers",
        state: "absent",
        found: `${reason} (${PYTHON}); only \`lapidary bench\` needs it`,
        fix: asRoot(`apt-get install -y --no-install-recommends ${PYTHON_PACKAGES}`),
      });
    });
  });
}
