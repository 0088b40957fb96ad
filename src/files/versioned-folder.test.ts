import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { filesOf, KIND, WAYS, write } from "./versioned-folder.test.support.ts";
import type { VersionKind } from "./versioned-folder.ts";
import { VersionedFolder } from "./versioned-folder.ts";

const UNSAFE: VersionKind = { ...KIND, unsafe: () => new Error("unsafe") };
let path = "";
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "lapidary-test-")), "things");
});
afterEach(() => rmSync(join(path, ".."), { recursive: true }));

const numberIn = (folder: VersionedFolder): string => folder.open().manifest().toString().trim();

describe("a folder of versions", () => {
  it("has none before the first is published, then the newest", () => {
    const folder = new VersionedFolder(path, KIND);
    expect(folder.current).toBeNull();
    expect(() => folder.open()).toThrow("not found");
    for (const number of [1, 2, 3]) {
      WAYS.alone(path, number);
      expect(numberIn(folder)).toBe(`${number}`);
      expect(folder.current).toMatchObject({ name: `v${number}`, digest: folder.open().digest });
    }
  });

  it("is refused with a pointer that is none, and can be written anew", () => {
    WAYS.alone(path, 1);
    const folder = new VersionedFolder(path, KIND);
    const pointer = readFileSync(join(path, "CURRENT"), "utf8");
    for (const text of ["", "v1", pointer.trim(), `${pointer}\n`, `../${pointer}`, pointer.replace("v1", "v0")]) {
      writeFileSync(join(path, "CURRENT"), text);
      expect(() => folder.open()).toThrow(`bad pointer ${JSON.stringify(text)}`);
      expect(folder.current).toBeNull();
    }
    writeFileSync(join(path, "CURRENT"), pointer.replace("v1", "v7"));
    expect(() => folder.open()).toThrow("expected the folder of the current version, got none");
    WAYS.alone(path, 2);
    expect(numberIn(folder)).toBe("2");
  });

  it("keeps what a damaged pointer may have named until there is another version", () => {
    WAYS.resumed(path, 1);
    writeFileSync(join(path, "CURRENT"), "v1");
    const staging = new VersionedFolder(path, KIND).resume("writer");
    expect(staging.isWhole).toBe(false);
    expect(readFileSync(join(path, "v1", "manifest.json"), "utf8")).toBe("1\n");
    write(staging.folder, 2);
    staging.publish();
    expect(readdirSync(path).sort()).toEqual(["CURRENT", "v2"]);
  });

  it("leaves alone what a process that lives is writing, and what is no version", () => {
    WAYS.alone(path, 1);
    for (const name of [`.staging-${process.ppid}`, ".staging-999999999", "v1a", "notes"]) mkdirSync(join(path, name));
    WAYS.alone(path, 2);
    expect(readdirSync(path).sort()).toEqual([`.staging-${process.ppid}`, "CURRENT", "notes", "v1a", "v2"]);
  });

  it("follows links, unless its kind refuses them", () => {
    WAYS.alone(path, 1);
    for (const name of ["CURRENT", "v1/manifest.json", "v1"]) {
      const away = join(path, "..", "away");
      cpSync(join(path, name), away, { recursive: true });
      rmSync(join(path, name), { recursive: true });
      symlinkSync(away, join(path, name));
      expect(numberIn(new VersionedFolder(path, KIND))).toBe("1");
      expect(() => numberIn(new VersionedFolder(path, UNSAFE)), name).toThrow("unsafe");
      rmSync(join(path, name));
      cpSync(away, join(path, name), { recursive: true });
      rmSync(away, { recursive: true });
    }
  });
});

describe("a version", () => {
  const listed = { sizeBytes: 1, sha256: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b" };

  it("tells the first file that is not as it is listed", () => {
    WAYS.alone(path, 1);
    const version = new VersionedFolder(path, KIND).open();
    const files = { "inner/second": listed };
    const file = join(version.folder, "inner/second");
    expect(filesOf(1)["inner/second"]).toBe("1");
    expect(version.findOther(files, "content")).toBeNull();
    expect(version.read("inner/second", listed).toString()).toBe("1");
    writeFileSync(file, "2");
    expect(version.findOther(files, "size")).toBeNull();
    expect(version.findOther(files, "content")).toMatchObject({ path: file, sizeBytes: 1 });
    expect(() => version.read("inner/second", listed)).toThrow(`expected SHA-256 ${listed.sha256}`);
    writeFileSync(file, "12");
    expect(version.findOther(files, "size")).toMatchObject({ path: file, sizeBytes: 2, sha256: null });
    expect(() => version.read("inner/second", listed)).toThrow("expected 1 bytes, got 2");
    rmSync(file);
    expect(version.findOther(files, "size")).toMatchObject({ path: file, sizeBytes: null });
    expect(() => version.read("inner/second", listed)).toThrow("expected a file, got none");
  });

  it("has the manifest that was published, or none", () => {
    WAYS.alone(path, 1);
    const version = new VersionedFolder(path, KIND).open();
    writeFileSync(join(version.folder, "manifest.json"), "2\n");
    expect(() => version.manifest()).toThrow(`damaged: expected SHA-256 ${version.digest}`);
  });
});
