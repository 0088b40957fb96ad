import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";

const NO_SYNC = join(import.meta.dirname, "scripts", "check", "no-sync.cjs");

const isWhole = ({ moduleId }) => moduleId.includes("/dist/test/");

/** Tests of the whole take longest: they come first, so that no core waits for them in the end. */
class LongestFirst extends BaseSequencer {
  async sort(files) {
    const sorted = await super.sort(files);
    return [...sorted.filter(isWhole), ...sorted.filter((file) => !isWhole(file))];
  }
}

/** Tests run as compiled, see docs/decisions/0002-tests-run-compiled.md. */
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    execArgv: ["--expose-gc", "--require", NO_SYNC],
    // For the processes that tests start.
    env: { NODE_OPTIONS: `--require ${JSON.stringify(NO_SYNC)}` },
    coverage: { provider: "v8", include: ["dist/src/**/*.js"] },
    sequence: { sequencer: LongestFirst },
    projects: [
      // Loading libtorch and vitest takes longer than the tests of most files: they share two processes.
      { extends: true, test: { name: "parts", include: ["dist/{src,bench,examples}/**/*.test.js"], isolate: false } },
      { extends: true, test: { name: "whole", include: ["dist/test/**/*.test.js"] } },
    ],
  },
});
