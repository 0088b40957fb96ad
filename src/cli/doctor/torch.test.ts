import { afterEach, describe, expect, it } from "vitest";
import { checkTorch } from "./torch.ts";
import type { TorchReport } from "./torch-report.ts";

const loaded: TorchReport = {
  kind: "loaded",
  torch: "1.13.1",
  path: "/usr/lib/libtorch_cpu.so",
  blas: "/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3",
  instructionSet: "avx2",
  gloo: true,
  cuda: false,
};
const kept = process.env["OPENBLAS_CORETYPE"];
const find = (report: TorchReport, name: string, gpus: readonly string[] = []) =>
  checkTorch(report, gpus).find((check) => check.name === name);

afterEach(() => {
  delete process.env["OPENBLAS_CORETYPE"];
  if (kept !== undefined) process.env["OPENBLAS_CORETYPE"] = kept;
});

describe("what is said of libtorch", () => {
  it("finds fault with nothing where all is there", () => {
    delete process.env["OPENBLAS_CORETYPE"];
    expect(checkTorch(loaded, []).map(({ name, state }) => `${name} ${state}`)).toEqual([
      "libtorch ok",
      "BLAS ok",
      "kernels ok",
      "Gloo ok",
      "GPU absent",
    ]);
  });

  it("tells a slow BLAS by the file that is in use", () => {
    expect(find({ ...loaded, blas: "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0" }, "BLAS")).toMatchObject({
      state: "warning",
      fix: expect.stringContaining("npm run setup"),
    });
    expect(find({ ...loaded, blas: "" }, "BLAS")?.state).toBe("ok");
  });

  it("tells a GPU that this libtorch cannot use, and a library that cannot be loaded", () => {
    expect(find(loaded, "GPU", ["H100"])).toMatchObject({
      state: "warning",
      fix: expect.stringContaining("LIBTORCH="),
    });
    expect(find({ ...loaded, cuda: true }, "GPU", ["H100"])?.found).toBe("H100, CUDA");
    const missing: TorchReport = { kind: "unavailable", reason: "libgloo.so.0: cannot open shared object file" };
    expect(find(missing, "libtorch")).toMatchObject({ state: "failed", fix: expect.stringContaining("npm run setup") });
  });

  it("tells a setting that keeps OpenBLAS from the CPU's best kernels", () => {
    process.env["OPENBLAS_CORETYPE"] = "Haswell";
    expect(find(loaded, "environment")).toMatchObject({ state: "warning", fix: "unset OPENBLAS_CORETYPE" });
  });
});
