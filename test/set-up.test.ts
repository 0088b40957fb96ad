import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

// Plain JavaScript, because it runs before there is a compiler: its types are stated here.
interface SetUp {
  acquireLock(path: string, onWait: (pid: number) => void): () => void;
  checkNode(version: string): void;
  neededPackages(libtorch: string): string[];
  missingPackages(packages: readonly string[], listing: string): string[];
  alternativeCommand(name: string, triplet: string, actual: string): string[] | null;
  isInstalled(locked: Packages, installed: Packages | null): boolean;
  hashOf(files: readonly string[], facts: object): string;
  listFiles(folder: string, keep: (name: string, isFolder: boolean) => boolean): string[];
  shorten(output: string, limit: number): string;
  run(command: string, args: readonly string[], options?: { onLine(line: string): void }): Promise<void>;
  findKept(key: string): string | null;
  keep(key: string, build: string): void;
  limited(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  countsOf(report: object): { readonly passed: number; readonly failed: number };
}
type Packages = Readonly<Record<string, { version: string; integrity?: string; optional?: boolean }>>;

// This file runs as dist/test/set-up.test.js.
const SCRIPTS = join(import.meta.dirname, "..", "..", "scripts");
const MODULES = [
  "setup/lock",
  "setup/system",
  "setup/node-modules",
  "setup/stamp",
  "setup/run",
  "setup/native-cache",
  "check/counts",
  "check/processors",
];
const urls = MODULES.map((name) => pathToFileURL(join(SCRIPTS, `${name}.mjs`)).href);
const setUp: SetUp = Object.assign({}, ...(await Promise.all(urls.map((url) => import(url)))));

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-set-up-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("lock", () => {
  const never = () => expect.unreachable("nobody holds the lock");

  it("names its holder, and leaves nothing behind when released", () => {
    const release = setUp.acquireLock(join(folder, "deep", "lock"), never);
    expect(JSON.parse(readFileSync(join(folder, "deep", "lock"), "utf8")).pid).toBe(process.pid);
    release();
    expect(readdirSync(join(folder, "deep"))).toEqual([]);
  });

  it.each([
    ["of a process that never was", JSON.stringify({ pid: 2 ** 22 + 1, startTime: "1" })],
    ["of an older process with the same id", JSON.stringify({ pid: process.pid, startTime: "1" })],
    ["that is cut short", '{"pid":'],
    ["that is empty", ""],
  ])("takes over a lock %s", (_, text) => {
    const path = join(folder, "lock");
    writeFileSync(path, text);
    setUp.acquireLock(path, never)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("lets one process in at a time", async () => {
    // Each holder must find the shared folder empty, work in it for a moment, and leave it empty.
    const script = `
      import { acquireLock } from ${JSON.stringify(urls[0])};
      import { mkdirSync, rmdirSync } from "node:fs";
      for (let turn = 0; turn < 5; turn++) {
        const release = acquireLock(${JSON.stringify(join(folder, "lock"))}, () => {});
        mkdirSync(${JSON.stringify(join(folder, "busy"))});
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
        rmdirSync(${JSON.stringify(join(folder, "busy"))});
        release();
      }`;
    // The lock starts out stale, so that several try to take it over at once.
    writeFileSync(join(folder, "lock"), JSON.stringify({ pid: 2 ** 22 + 1, startTime: "1" }));
    const children = Array.from({ length: 4 }, () => spawn(process.execPath, ["--input-type=module", "-e", script]));
    const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("machine", () => {
  it.each(["20.19.0", "20.20.2", "22.0.0", "100.1.0"])("accepts Node %s", (version) => {
    expect(() => setUp.checkNode(version)).not.toThrow();
  });

  it.each(["20.18.9", "18.20.0", "0.12.0"])("rejects Node %s and says which is needed", (version) => {
    expect(() => setUp.checkNode(version)).toThrow(`needs Node 20.19 or newer; this is ${version}`);
  });

  it("asks for libtorch and OpenBLAS unless a libtorch is given", () => {
    const [given, system] = [setUp.neededPackages("/opt/libtorch"), setUp.neededPackages("")];
    expect(system.filter((name) => !given.includes(name))).toEqual(["libtorch-dev", "libopenblas0-pthread"]);
  });

  it("counts as installed only what dpkg says is", () => {
    const listing = "g++ ii \ncmake rc \nmake hi \nlibgloo-dev un \nlibtorch-dev iU \n";
    const names = ["g++", "cmake", "make", "libgloo-dev", "libtorch-dev", "absent"];
    expect(setUp.missingPackages(names, listing)).toEqual(["cmake", "libgloo-dev", "libtorch-dev", "absent"]);
    expect(setUp.missingPackages(names, "")).toEqual(names);
  });

  it("knows OpenBLAS by where the link leads", () => {
    const commandFor = (actual: string) => setUp.alternativeCommand("libblas.so.3", "aarch64-linux-gnu", actual);
    expect(commandFor("/usr/lib/aarch64-linux-gnu/openblas-pthread/libblas.so.3")).toBeNull();
    expect(commandFor("/usr/lib/aarch64-linux-gnu/blas/libblas.so.3.11.0")).toEqual([
      "update-alternatives",
      "--set",
      "libblas.so.3-aarch64-linux-gnu",
      "/usr/lib/aarch64-linux-gnu/openblas-pthread/libblas.so.3",
    ]);
    expect(commandFor("/usr/lib/aarch64-linux-gnu/openblas-serial/libblas.so.3")).not.toBeNull();
  });
});

describe("node modules", () => {
  const locked: Packages = {
    "": { version: "0.1.0" },
    "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/b-win32": { version: "2.0.0", integrity: "sha512-b", optional: true },
  };
  const a = { version: "1.0.0", integrity: "sha512-a" };

  it("are there when all that is locked is, other platforms' builds aside", () => {
    expect(setUp.isInstalled(locked, { "node_modules/a": a })).toBe(true);
  });

  it.each([
    ["nothing is installed", null],
    ["a package is absent", {}],
    ["a version differs", { "node_modules/a": { ...a, version: "1.0.1" } }],
    ["the content differs", { "node_modules/a": { ...a, integrity: "sha512-c" } }],
    ["an optional one differs", { "node_modules/a": a, "node_modules/b-win32": { version: "2.0.1" } }],
  ])("are not when %s", (_, installed) => {
    expect(setUp.isInstalled(locked, installed)).toBe(false);
  });
});

describe("stamps", () => {
  it("change with the name, the content, the number of files and the facts, and with nothing else", () => {
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    writeFileSync(a, "xy");
    writeFileSync(b, "");
    const all = [
      setUp.hashOf([a, b], {}),
      setUp.hashOf([a], {}),
      setUp.hashOf([b, a], {}),
      setUp.hashOf([a, b], { c: 1 }),
    ];
    writeFileSync(a, "x");
    writeFileSync(b, "y");
    all.push(setUp.hashOf([a, b], {}));
    expect(new Set(all).size).toBe(all.length);
    expect(setUp.hashOf([a, b], {})).toBe(all.at(-1));
  });

  it("cover the files below a folder, build outputs left out, in one order", () => {
    mkdirSync(join(folder, "build"));
    mkdirSync(join(folder, "c"));
    for (const name of ["z", "build/x", "c/y"]) writeFileSync(join(folder, name), "");
    const files = setUp.listFiles(folder, (name) => name !== "build");
    expect(files).toEqual([join(folder, "c", "y"), join(folder, "z")]);
    expect(setUp.listFiles(join(folder, "absent"), () => true)).toEqual([]);
  });
});

describe("finished addons", () => {
  const cache = process.env["XDG_CACHE_HOME"];
  afterEach(() => {
    if (cache === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = cache;
  });

  /** A folder as the compiler leaves it. */
  function built(content: string): string {
    process.env["XDG_CACHE_HOME"] = join(folder, "cache");
    const build = join(folder, "build");
    mkdirSync(join(build, "unused"), { recursive: true });
    writeFileSync(join(build, "lapidary.node"), content);
    writeFileSync(join(build, "unused", "libx.so.1"), "");
    writeFileSync(join(build, "object.o"), "");
    return build;
  }

  it("are found again by their key, without what the compiler leaves beside them", () => {
    const build = built("addon");
    expect(setUp.findKept("a")).toBeNull();
    setUp.keep("a", build);
    const kept = setUp.findKept("a") ?? "";
    expect(readFileSync(join(kept, "lapidary.node"), "utf8")).toBe("addon");
    expect(readdirSync(join(kept, "unused"))).toEqual(["libx.so.1"]);
    expect(existsSync(join(kept, "object.o"))).toBe(false);
    expect(setUp.findKept("b")).toBeNull();
  });

  it("of which not all bytes are there are none, and are replaced", () => {
    const build = built("addon");
    setUp.keep("a", build);
    writeFileSync(join(setUp.findKept("a") ?? "", "lapidary.node"), "ad");
    expect(setUp.findKept("a")).toBeNull();
    setUp.keep("a", build);
    expect(setUp.findKept("a")).not.toBeNull();
  });

  it("are kept as long as they are among the last eight that were used", () => {
    const build = built("addon");
    const place = join(folder, "cache", "lapidary", "native");
    const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for (const [day, key] of keys.entries()) {
      setUp.keep(key, build);
      utimesSync(join(place, key), day, day);
    }
    // The oldest is used once more: the next is the one to go.
    expect(setUp.findKept("a")).not.toBeNull();
    setUp.keep("i", build);
    expect(readdirSync(place)).toEqual([...keys.filter((key) => key !== "b"), "i"]);
  });
});

describe("commands", () => {
  it("fail with the command, its output and its exit code", async () => {
    const script = 'console.log("to stdout"); console.error("to stderr"); process.exit(3)';
    const failed = setUp.run(process.execPath, ["-e", script]);
    await expect(failed).rejects.toThrow(/-e .*\n(to stdout\nto stderr|to stderr\nto stdout)\n\(exit code 3\)/s);
    await expect(setUp.run(process.execPath, ["-e", "process.kill(process.pid)"])).rejects.toThrow("killed by SIGTERM");
    await expect(setUp.run("no-such-command-here", ["x"])).rejects.toThrow(/no-such-command-here x\n.*ENOENT/s);
  });

  it("tell each line as it comes", async () => {
    const lines: string[] = [];
    await setUp.run(process.execPath, ["-e", 'console.log("a\\nb"); console.error("c"); console.log("d")'], {
      onLine: (line) => lines.push(line),
    });
    expect(lines).toEqual(["a", "b", "d"]);
  });

  it("show both ends of a long output", () => {
    expect(setUp.shorten("1\n2\n3\n4\n5\n6\n", 4)).toBe("1\n2\n… (2 lines)\n5\n6");
    expect(setUp.shorten("1\n2\n", 4)).toBe("1\n2");
  });

  it("do nothing visible when they succeed", async () => {
    await setUp.run(process.execPath, ["-e", `fs.writeFileSync(${JSON.stringify(join(folder, "done"))}, "")`]);
    expect(existsSync(join(folder, "done"))).toBe(true);
  });
});

describe("check", () => {
  it("counts a file that does not load as a failure", () => {
    const failed = { status: "failed", assertionResults: [] };
    const half = { status: "failed", assertionResults: [{}, {}] };
    const report = { numPassedTests: 1, numFailedTests: 1, testResults: [failed, half] };
    expect(setUp.countsOf(report)).toEqual({ passed: 1, failed: 2 });
  });

  it("limits the libraries as ATEN_CPU_CAPABILITY limits the kernels, and nothing otherwise", () => {
    const limits = { ONEDNN_MAX_CPU_ISA: "AVX2", OPENBLAS_CORETYPE: "Haswell" };
    expect(setUp.limited({ ATEN_CPU_CAPABILITY: "avx2" })).toEqual({ ATEN_CPU_CAPABILITY: "avx2", ...limits });
    const zen = { ATEN_CPU_CAPABILITY: "avx2", OPENBLAS_CORETYPE: "Zen" };
    expect(setUp.limited(zen)).toEqual({ ...limits, ...zen });
    expect(setUp.limited({ HOME: "/" })).toEqual({ HOME: "/" });
  });
});
