import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildInfo, countFlops, grad, linear, noGrad, setThreads, type Tensor, threads } from "./index.ts";
import { random64 } from "./operators/operators.test.support.ts";

describe("threads", () => {
  test("are as many as were set", () => {
    for (const wanted of [3, 1, 2]) {
      setThreads(wanted);
      expect(threads()).toBe(wanted);
    }
  });

  test("cannot be less than one or more than 4096, or a part", () => {
    setThreads(2);
    for (const wrong of [0, -1, 4097, 2 ** 40, 1.5, Number.NaN]) {
      expect(() => setThreads(wrong)).toThrow(expect.objectContaining({ code: "TORCH_ARGUMENT" }));
    }
    expect(threads()).toBe(2);
  });

  test("do not change a product", () => {
    const [a, b] = [random64([64, 64], 1), random64([64, 64], 2)];
    setThreads(1);
    const alone = a.mm(b);
    setThreads(2);
    expect(a.mm(b).sub(alone).abs().amax().item()).toBeLessThan(1e-12);
  });
});

describe("buildInfo", () => {
  test("says which libtorch is loaded", () => {
    expect(buildInfo().torch).toMatch(/^\d+\.\d+\.\d+/);
    expect(typeof buildInfo().cuda).toBe("boolean");
    expect(typeof buildInfo().gloo).toBe("boolean");
  });

  const LEVELS = ["plain", "avx2", "avx512", "avx512-bf16"];
  /** What the processor has, as the system says it. */
  function levelOfProcessor(): number {
    const words = new Set(/^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" "));
    const needed = ["avx2 fma bmi2", "avx512f avx512vl avx512bw avx512dq avx512cd", "avx512_bf16"];
    const first = needed.findIndex((flags) => !flags.split(" ").every((flag) => words.has(flag)));
    return first < 0 ? needed.length : first;
  }

  test.runIf(process.arch === "x64" && process.platform === "linux").each([
    ["default", 0],
    ["avx2", 1],
    ["avx512", 2],
    [undefined, 3],
  ])("says what the kernels run on if ATEN_CPU_CAPABILITY is %s", (allowed, most) => {
    const { ATEN_CPU_CAPABILITY: _, ...rest } = process.env;
    const env = allowed === undefined ? rest : { ...rest, ATEN_CPU_CAPABILITY: allowed };
    const program = `import(${JSON.stringify(new URL("./index.js", import.meta.url).href)}).then((t) => console.log(t.buildInfo().instructionSet))`;
    const said = execFileSync(process.execPath, ["-e", program], { env, encoding: "utf8" });
    expect(said.trim()).toBe(LEVELS[Math.min(levelOfProcessor(), most)]);
  });

  // A libtorch of one's own brings its BLAS; the system's must run on OpenBLAS, since the reference one is far slower.
  test.skipIf(process.env["LIBTORCH"])("names OpenBLAS's file", () => {
    const { blas } = buildInfo();
    expect(blas).toMatch(/openblas/i);
    expect(existsSync(blas)).toBe(true);
  });
});

describe("countFlops", () => {
  const [n, k, m, b] = [3, 5, 7, 2];
  const leaf = (...shape: number[]): Tensor => {
    const x = random64(shape);
    x.requiresGrad = true;
    return x;
  };
  const forward = 2 * n * k * m;

  test.each<[string, () => Tensor, number]>([
    ["mm", () => leaf(n, k).mm(leaf(k, m)), forward],
    ["mm of transposes", () => leaf(k, n).t().mm(leaf(m, k).t()), forward],
    ["bmm", () => leaf(b, n, k).bmm(leaf(b, k, m)), b * forward],
    ["matmul over more axes", () => leaf(b, n, k).matmul(leaf(k, m)), b * forward],
    ["addmm", () => leaf(m).addmm(leaf(n, k), leaf(k, m)), forward],
    ["linear", () => linear(leaf(n, k), leaf(m, k)), forward],
    ["linear with bias", () => linear(leaf(n, k), leaf(m, k), leaf(m)), forward],
    ["linear over more axes", () => linear(leaf(b, n, k), leaf(m, k), leaf(m)), b * forward],
  ])("%s: as by hand, and twice that backward", (_, apply, expected) => {
    let output: Tensor | null = null;
    expect(
      countFlops(() => {
        output = apply();
      }),
    ).toBe(expected);
    const result = output as unknown as Tensor;
    expect(countFlops(() => result.backward(random64(result.shape)))).toBe(2 * expected);
  });

  test("counts backward only for what needs it", () => {
    const weight = leaf(k, m);
    const whole = countFlops(() => random64([n, k]).mm(weight).sum().backward());
    expect(whole).toBe(2 * forward);
    expect(countFlops(() => noGrad(() => random64([n, k]).mm(weight)))).toBe(forward);
  });

  test("counts second derivatives", () => {
    const [x, weight] = [leaf(n, k), leaf(k, m)];
    const counted = countFlops(() => {
      const [dx] = grad([x.mm(weight).square().sum()], [x], { createGraph: true });
      (dx as Tensor).square().sum().backward();
    });
    expect(counted % forward).toBe(0);
    expect(counted).toBeGreaterThan(3 * forward);
  });

  test("counts nothing of what is no product, nor of before and after", () => {
    leaf(n, k).mm(leaf(k, m));
    expect(countFlops(() => leaf(n, k).exp().sum().backward())).toBe(0);
    expect(countFlops(() => {})).toBe(0);
  });

  test("ends when the body throws, and cannot be nested", () => {
    expect(() => countFlops(() => leaf(n, k).mm(leaf(n, k)))).toThrow();
    expect(countFlops(() => leaf(n, k).mm(leaf(k, m)))).toBe(forward);
    expect(() => countFlops(() => countFlops(() => {}))).toThrow(expect.objectContaining({ code: "TORCH_ARGUMENT" }));
    expect(countFlops(() => leaf(n, k).mm(leaf(k, m)))).toBe(forward);
  });
});
