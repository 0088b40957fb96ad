import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { drawKillPoints, killedAt, killPointsOf } from "../files/kill-points.test.support.ts";
import { sampleContents } from "./bundle.test.support.ts";
import type { BundleManifest } from "./manifest.ts";
import { readBundle } from "./read.ts";
import { writeBundle } from "./write.ts";

const FLIPS = 400;
const KILLS = 10;

function temporaryBundle(contents = sampleContents()): Disposable & { readonly dir: string; readonly version: string } {
  const root = mkdtempSync(join(tmpdir(), "lapidary-test-"));
  const dir = join(root, "bundle");
  const version = writeBundle(dir, contents);
  return { dir, version, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

const withCode = (code: string) => expect.objectContaining({ code });
const isRefused = expect.objectContaining({ code: expect.stringMatching(/^BUNDLE_/) });

/** Files of a bundle, `CURRENT` and the manifest included. */
function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile());
}

/** Rewrites the manifest and everything that vouches for it, as one who wants to be believed would. */
function forge(dir: string, change: (manifest: Record<string, unknown>) => void): void {
  const path = join(dir, "v1", "manifest.json");
  const manifest = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  change(manifest);
  const bytes = JSON.stringify(manifest);
  writeFileSync(path, bytes);
  writeFileSync(join(dir, "CURRENT"), `v1 ${createHash("sha256").update(bytes).digest("hex")}\n`);
}

describe("a bundle", () => {
  it("gives back what was written", () => {
    const contents = sampleContents();
    using bundle = temporaryBundle(contents);
    const { manifest, files, folder, digest } = readBundle(bundle.dir);
    expect(folder).toBe(bundle.version);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    const { format, version, files: entries, ...facts } = manifest;
    expect({ format, version }).toEqual({ format: "lapidary-bundle", version: 3 });
    expect(facts).toEqual(contents.facts);
    expect(Object.keys(entries).sort()).toEqual(Object.keys(contents.files).sort());
    for (const [path, bytes] of Object.entries(contents.files))
      expect(Buffer.from(bytes).equals(files[path]!)).toBe(true);
  });

  it("has equal bytes for equal contents", () => {
    using one = temporaryBundle();
    using other = temporaryBundle();
    expect(readBundle(one.dir).digest).toBe(readBundle(other.dir).digest);
  });

  it("keeps the version before for those who read it, and no older one", () => {
    using bundle = temporaryBundle();
    for (let seed = 2; seed <= 5; seed++) {
      writeBundle(bundle.dir, sampleContents(seed));
      expect(readBundle(bundle.dir).manifest.model.name).toBe(`model-${seed}`);
    }
    expect(readdirSync(bundle.dir).sort()).toEqual(["CURRENT", "v4", "v5"]);
  });

  it("is not there in an empty folder", () => {
    using bundle = temporaryBundle();
    expect(() => readBundle(join(bundle.dir, "..", "elsewhere"))).toThrow(withCode("BUNDLE_NOT_FOUND"));
  });

  it("of the version before is read, byte for byte as it is", () => {
    using bundle = temporaryBundle();
    const { spec } = readBundle(bundle.dir).manifest;
    forge(bundle.dir, (manifest) => {
      manifest["version"] = 2;
    });
    expect(readBundle(bundle.dir).manifest).toMatchObject({ version: 2, spec });
  });

  it("of another version is refused", () => {
    using bundle = temporaryBundle();
    forge(bundle.dir, (manifest) => {
      manifest["version"] = 99;
    });
    expect(() => readBundle(bundle.dir)).toThrow(withCode("BUNDLE_VERSION"));
  });
});

it.each([
  ["calibration", (manifest: Record<string, unknown>) => delete manifest["calibration"]],
  ["the rules of events", (manifest: Record<string, unknown>) => delete manifest["events"]],
  [
    "a range of times",
    (manifest: Record<string, unknown>) => delete (manifest["events"] as Record<string, unknown>)["latestMs"],
  ],
  [
    "rows of users",
    (manifest: Record<string, unknown>) => delete (manifest["graph"] as Record<string, unknown>)["userRows"],
  ],
])("a manifest without %s is refused before anything reads it", (_, remove) => {
  using bundle = temporaryBundle();
  forge(bundle.dir, (manifest) => void remove(manifest));
  expect(() => readBundle(bundle.dir)).toThrow(withCode("BUNDLE_DAMAGED"));
});

describe("a damaged bundle", () => {
  it(`is refused after any of ${FLIPS} single-bit flips, those of CURRENT and of the manifest included`, () => {
    using bundle = temporaryBundle(sampleContents(1, 300));
    const paths = filesOf(bundle.dir);
    const sizes = paths.map((path) => statSync(path).size);
    const numBits = 8 * sizes.reduce((sum, size) => sum + size, 0);
    for (let i = 0; i < FLIPS; i++) {
      let bit = Math.floor(((i * 0.618_033_988_749_895) % 1) * numBits);
      let file = 0;
      for (; bit >= 8 * sizes[file]!; file++) bit -= 8 * sizes[file]!;
      const path = paths[file] as string;
      const whole = readFileSync(path);
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, flipped);
      expect(() => readBundle(bundle.dir), `${path} bit ${bit}`).toThrow(isRefused);
      writeFileSync(path, whole);
    }
    readBundle(bundle.dir);
  });

  it("is refused after each bit of CURRENT", () => {
    using bundle = temporaryBundle();
    writeBundle(bundle.dir, sampleContents(2));
    const path = join(bundle.dir, "CURRENT");
    const whole = readFileSync(path);
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, flipped);
      expect(() => readBundle(bundle.dir), `bit ${bit}`).toThrow(isRefused);
    }
  });

  it("is refused after every truncation of every file, and with bytes behind the end", () => {
    using bundle = temporaryBundle(sampleContents(1, 100));
    for (const path of filesOf(bundle.dir)) {
      const whole = readFileSync(path);
      for (let size = whole.length - 1; size >= 0; size--) {
        truncateSync(path, size);
        expect(() => readBundle(bundle.dir), `${path} cut to ${size}`).toThrow(isRefused);
      }
      writeFileSync(path, whole);
      appendFileSync(path, "\0");
      expect(() => readBundle(bundle.dir), `${path} and a byte`).toThrow(isRefused);
      writeFileSync(path, whole);
    }
    readBundle(bundle.dir);
  });

  it("is refused without one of its files", () => {
    using bundle = temporaryBundle();
    for (const path of filesOf(bundle.dir)) {
      renameSync(path, join(bundle.dir, "..", "away"));
      expect(() => readBundle(bundle.dir), path).toThrow(isRefused);
      renameSync(join(bundle.dir, "..", "away"), path);
    }
  });
});

describe("a bundle that cannot be trusted", () => {
  it("is refused with a file that is not listed", () => {
    using bundle = temporaryBundle();
    writeFileSync(join(bundle.version, "dictionaries", "extra"), "x");
    expect(() => readBundle(bundle.dir)).toThrow(withCode("BUNDLE_UNSAFE"));
  });

  it.each(["/etc/hostname", "../outside", "a/../../outside", "./model.onnx", "a//b", "", "a\\..\\b", "manifest.json"])(
    "is refused with the path %j, and not written",
    (path) => {
      using bundle = temporaryBundle();
      const contents = sampleContents();
      const files = { ...contents.files, [path]: new Uint8Array(3) };
      expect(() => writeBundle(bundle.dir, { ...contents, files })).toThrow(withCode("BUNDLE_UNSAFE"));
      forge(bundle.dir, (manifest) => {
        const entries = manifest["files"] as BundleManifest["files"];
        manifest["files"] = { ...entries, [path]: entries["model.onnx"] };
      });
      expect(() => readBundle(bundle.dir)).toThrow(withCode("BUNDLE_UNSAFE"));
    },
  );

  it("is refused with a name that is not among the files", () => {
    using bundle = temporaryBundle();
    const contents = sampleContents();
    const facts = { ...contents.facts, vocabularies: { item: "elsewhere" } };
    expect(() => writeBundle(bundle.dir, { ...contents, facts })).toThrow(withCode("BUNDLE_UNSAFE"));
    forge(bundle.dir, (manifest) => {
      manifest["vocabularies"] = { item: "elsewhere" };
    });
    expect(() => readBundle(bundle.dir)).toThrow(withCode("BUNDLE_DAMAGED"));
  });

  it.each(["v1/model.onnx", "v1/dictionaries", "v1", "CURRENT", "v1/manifest.json"])(
    "is refused if %s is a symbolic link to the very same bytes",
    (name) => {
      using bundle = temporaryBundle();
      const path = join(bundle.dir, name);
      const away = join(bundle.dir, "..", "away");
      cpSync(path, away, { recursive: true });
      rmSync(path, { recursive: true });
      symlinkSync(away, path);
      expect(() => readBundle(bundle.dir)).toThrow(withCode("BUNDLE_UNSAFE"));
    },
  );

  it("is refused if a listed file is a folder", () => {
    using bundle = temporaryBundle();
    rmSync(join(bundle.version, "model.onnx"));
    mkdirSync(join(bundle.version, "model.onnx"));
    expect(() => readBundle(bundle.dir)).toThrow(withCode("BUNDLE_UNSAFE"));
  });
});

describe("a publishing that is killed", () => {
  const CHILD = fileURLToPath(new URL("./bundle.test.child.js", import.meta.url));
  const PUBLICATIONS = 3;

  function publish(dir: string, killAt: number): SpawnSyncReturns<string> {
    const args = [CHILD, dir, String(PUBLICATIONS)];
    return spawnSync(process.execPath, args, { env: killedAt(killAt), encoding: "utf8" });
  }

  it(`leaves a whole version, at ${KILLS} random points`, () => {
    const seed = Date.now() % 2 ** 31;
    using bundle = temporaryBundle(sampleContents(1, 20_000));
    const whole = publish(bundle.dir, Number.POSITIVE_INFINITY);
    expect(whole.status).toBe(0);
    const seen: string[] = [];
    for (const point of drawKillPoints(killPointsOf(whole.stdout), KILLS, seed)) {
      writeBundle(bundle.dir, sampleContents(1, 20_000));
      const child = publish(bundle.dir, point);
      expect(child.signal, `seed ${seed}, point ${point}`).toBe("SIGKILL");
      seen.push(readBundle(bundle.dir).manifest.model.name);
    }
    // The kills came before, between and after publications, and later ones leave no older version.
    expect(seen, `seed ${seed}`).toEqual([...seen].sort());
    expect(seen, `seed ${seed}`).toEqual(expect.arrayContaining(["model-1", "model-2", "model-3"]));
    writeBundle(bundle.dir, sampleContents(99));
    expect(readBundle(bundle.dir).manifest.model.name).toBe("model-99");
    expect(readdirSync(bundle.dir).filter((name) => name.startsWith(".staging"))).toEqual([]);
    expect(readdirSync(bundle.dir).length).toBeLessThanOrEqual(4);
  });
});
