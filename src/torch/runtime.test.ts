import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildInfo, countFlops, grad, linear, noGrad, setThreads, type Tensor, threads } from "./index.ts";
import { random64 } from "./operators.test.support.ts";

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
