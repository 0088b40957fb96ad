/** What the tests of memory share: a folder of their own, and a garbage collection that has happened. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

/** A folder that is removed when `using` ends. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "lapidary-torch-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Collects garbage and lets the finalizers run. */
export async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error("tests of memory need --expose-gc");
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await setImmediate();
  }
}
