import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, ROOT, temporaryFolder } from "../cli/lapidary.ts";
import { startRegistry } from "./registry.ts";

const folder = temporaryFolder();
const PROJECT = join(folder.path, "empty");
const PACKAGE = join(PROJECT, "node_modules", "lapidary");
const SHOP = join(PROJECT, "shop");
const CACHE = join(folder.path, "cache");
afterAll(() => folder[Symbol.dispose]());

/** No host but this one can be reached, and no cache but the test's own is read. */
const ENV = {
  ...process.env,
  XDG_CACHE_HOME: CACHE,
  npm_config_cache: join(folder.path, "npm"),
  https_proxy: "http://127.0.0.1:9",
  http_proxy: "http://127.0.0.1:9",
  no_proxy: "127.0.0.1",
};

async function run(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  const child = spawn(command, args, { cwd, env: ENV, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  const [code] = await once(child, "close");
  return { code, ...said };
}

/** Runs what must succeed; gives what it wrote. */
async function succeed(command: string, args: readonly string[], cwd = PROJECT): Promise<Ended> {
  const ended = await run(command, args, cwd);
  expect(ended, `${command} ${args.join(" ")}`).toMatchObject({ code: 0 });
  return ended;
}

const npx = (...args: readonly string[]) => ["exec", "--offline", "--", "lapidary", ...args];
const files = (path: string): readonly string[] => readdirSync(path, { recursive: true, encoding: "utf8" });

/** The bytes of all files below a folder. */
function sizeOf(path: string): number {
  return files(path).reduce((sum, name) => sum + lstatSync(join(path, name)).size, 0);
}

/** Keeps the checkout's own addon as set-up does, in a cache of the test's own. */
async function keepAddon(): Promise<void> {
  const url = pathToFileURL(join(ROOT, "scripts", "setup", "native-cache.mjs")).href;
  const build = join(ROOT, "native", "build");
  const program = `import(${JSON.stringify(url)}).then(({ keep }) => keep(...process.argv.slice(1)))`;
  await succeed(process.execPath, ["-e", program, readFileSync(join(build, ".stamp"), "utf8"), build], ROOT);
}

describe("the package, packed and installed into an empty project from a registry alone", () => {
  beforeAll(async () => {
    mkdirSync(PROJECT);
    writeFileSync(join(PROJECT, "package.json"), '{ "private": true }\n');
    await succeed("npm", ["pack", "--silent", "--pack-destination", folder.path], ROOT);
    const [archive = ""] = readdirSync(folder.path).filter((name) => name.endsWith(".tgz"));
    await using registry = await startRegistry();
    const install = ["install", "--registry", registry.url, "--no-audit", "--no-fund"];
    await succeed("npm", [...install, join("..", archive)]);
  });

  it("takes at most 450 MB", () => {
    expect(sizeOf(join(PROJECT, "node_modules"))).toBeLessThan(450e6);
  });

  it("has the examples, and neither tests nor what only tests use", () => {
    const all = files(PACKAGE);
    for (const name of readdirSync(join(ROOT, "examples"))) {
      expect(all.filter((path) => path.startsWith(`examples/${name}/`) && path.endsWith(".ts"))).not.toEqual([]);
    }
    expect(all).toContain("dist/examples/kuairand/demo.js");
    expect(all.filter((name) => /\.test\.|\.support\.|\/testing\.|\.map$/.test(name))).toEqual([]);
  });

  it("brings ONNX Runtime, in the version of the lock and with its licence", () => {
    const found = createRequire(join(PACKAGE, "dist", "src", "serve", "index.js")).resolve(
      "onnxruntime-node/package.json",
    );
    const locked = createRequire(join(ROOT, "package.json")).resolve("onnxruntime-node/package.json");
    const manifest = JSON.parse(readFileSync(found, "utf8")) as { version: string; scripts?: object };
    expect(manifest.version).toBe((JSON.parse(readFileSync(locked, "utf8")) as { version: string }).version);
    expect(manifest.scripts).toBeUndefined();
    expect(existsSync(join(found, "..", "LICENSE"))).toBe(true);
  });

  it("sets itself up inside of node_modules, and builds nothing that was built before", async () => {
    await keepAddon();
    const { stderr } = await succeed(process.execPath, [join(PACKAGE, "scripts", "setup.mjs"), "--build-only"]);
    expect(stderr.trim().split("\n")).toEqual([
      "set-up: native, as built before …",
      expect.stringMatching(/^set-up: native, as built before took [\d.]+ s$/),
    ]);
  });

  it("runs as npx lapidary: a sample log is ingested, a model trained and exported", async () => {
    await succeed("npm", npx("init", "shop"));
    await succeed("npm", npx("ingest"), SHOP);
    await succeed("npm", npx("train", "logistic"), SHOP);
    // Checks the graph with the ONNX Runtime that the package brings.
    await succeed("npm", npx("export", "logistic"), SHOP);
    const configured = readdirSync(join(PACKAGE, "examples")).filter((name) =>
      existsSync(join(PACKAGE, "examples", name, "lapidary.config.ts")),
    );
    expect(configured.length).toBeGreaterThan(0);
    for (const example of configured) {
      await succeed("npm", npx("doctor", "--config", join(PACKAGE, "examples", example)), SHOP);
    }
  });

  it("takes the addon of a package for the platform where none was built", async () => {
    await succeed(process.execPath, [join(ROOT, "scripts", "prebuild.mjs"), join(PROJECT, "node_modules")]);
    rmSync(join(PACKAGE, "native", "build"), { recursive: true });
    const setUp = join(PACKAGE, "scripts", "setup.mjs");
    expect(await succeed("env", ["-u", "LIBTORCH", process.execPath, setUp, "--build-only"])).toMatchObject({
      stderr: "",
    });
    expect(existsSync(join(PACKAGE, "native", "build"))).toBe(false);
    await succeed("npm", npx("train", "baseRate", "--run", "prebuilt"), SHOP);
  });

  it("has types for the configuration, also where libraries are checked, and they find a mistake", async () => {
    const options = { module: "nodenext", strict: true, noEmit: true, types: [] };
    const tsconfig = { compilerOptions: options, files: ["lapidary.config.ts"] };
    writeFileSync(join(SHOP, "tsconfig.json"), JSON.stringify(tsconfig));
    const tsc = [join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", SHOP];
    await succeed(process.execPath, tsc);
    const config = join(SHOP, "lapidary.config.ts");
    writeFileSync(config, readFileSync(config, "utf8").replace('kind: "previous"', 'kind: "precious"'));
    const { code, stdout } = await run(process.execPath, tsc, SHOP);
    expect(code).not.toBe(0);
    expect(stdout).toContain("precious");
  });
});
