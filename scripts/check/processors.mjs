// Instruction sets that tests can be limited to. ATEN_CPU_CAPABILITY limits our kernels and libtorch's; the libraries beneath
// have switches of their own, which follow it here. ONNX Runtime and DuckDB have none.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../setup/run.mjs";

/** The limits from the least to the most, as our kernels name them. */
export const LIMITS = {
  plain: { ATEN_CPU_CAPABILITY: "default", ONEDNN_MAX_CPU_ISA: "SSE41", OPENBLAS_CORETYPE: "Prescott" },
  avx2: { ATEN_CPU_CAPABILITY: "avx2", ONEDNN_MAX_CPU_ISA: "AVX2", OPENBLAS_CORETYPE: "Haswell" },
  avx512: { ATEN_CPU_CAPABILITY: "avx512", ONEDNN_MAX_CPU_ISA: "AVX512_CORE", OPENBLAS_CORETYPE: "SkylakeX" },
};

/** `env` with all libraries limited to what its ATEN_CPU_CAPABILITY names; what is set already stays. */
export function limited(env) {
  const limit = Object.values(LIMITS).find((one) => one.ATEN_CPU_CAPABILITY === env.ATEN_CPU_CAPABILITY);
  return { ...limit, ...env };
}

/** What the kernels run on in such an environment; "unknown" if they cannot be loaded. */
export function instructionSetOf(env) {
  const url = JSON.stringify(pathToFileURL(join(ROOT, "dist", "src", "torch", "index.js")).href);
  const program = `import(${url}).then(({ buildInfo }) => console.log(buildInfo().instructionSet))`;
  const { status, stdout } = spawnSync(process.execPath, ["-e", program], { env, encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}
