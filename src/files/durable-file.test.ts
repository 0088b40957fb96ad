import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolder } from "./durable-file.ts";

const MODULE = fileURLToPath(new URL("./durable-file.js", import.meta.url));

describe("makeFolder", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lapidary-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("makes a folder and those above it, and leaves one that is there", () => {
    for (const path of [join(folder, "a", "b", "c"), join(folder, "a", "b", "d/"), folder]) {
      makeFolder(path);
      expect(statSync(path).isDirectory()).toBe(true);
    }
  });

  it("says what stands in the way", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => makeFolder(join(folder, "file"))).toThrow(/EEXIST/);
    expect(() => makeFolder(join(folder, "file", "a", "b"))).toThrow(/ENOTDIR/);
    expect(() => makeFolder("/proc/a/b")).toThrow(/ENOENT|EPERM|EACCES|EROFS/);
  });

  it("names a read-only file system, where one can be mounted", (context) => {
    const mount = 'mount -t tmpfs -o ro none "$0" || exit 77';
    const code = `import(process.argv[1]).then((own) => own.makeFolder(process.argv[2]))`;
    const script = `${mount}; exec "$1" -e '${code}' "$2" "$0/a/b"`;
    const { status, stderr } = spawnSync("unshare", ["-rm", "sh", "-c", script, folder, process.execPath, MODULE]);
    // Containers often forbid new namespaces or mounts: then there is nothing to try this on.
    if (status === 77 || status === null || /unshare/.test(`${stderr}`)) return context.skip();
    expect(`${stderr}`).toMatch(/EROFS: read-only file system, mkdir/);
  });
});
