import { defineConfig } from "vitest/config";

/** Tests run as compiled, see docs/decisions/0002-tests-run-compiled.md. */
export default defineConfig({
  test: {
    include: ["dist/**/*.test.js"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    execArgv: ["--expose-gc"],
    coverage: { provider: "v8", include: ["dist/src/**/*.js"] },
  },
});
