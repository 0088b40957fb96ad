import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../events.test.support.ts";
import { duckPath, spellable } from "./duck-path.ts";
import { checkUnchanged, listLogFiles } from "./list.ts";

/** Names that patterns, shells, SQL or file systems could stumble over. */
const character = fc.constantFrom(..."ab1*?[]{},!^-'\"\\ ;#%~$&=+.é日𝄞\n\t");
const name = fc
  .array(character, { minLength: 1, maxLength: 8 })
  .map((characters) => characters.join(""))
  .filter((text) => text !== "." && text !== "..");

describe("duckPath", () => {
  it("names exactly one file to DuckDB, whatever its name and those beside it", async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await fc.assert(
      fc.asyncProperty(name, fc.uniqueArray(name, { minLength: 1, maxLength: 12 }), async (project, names) => {
        using folder = temporaryFolder();
        mkdirSync(join(folder.path, project));
        const paths = names.map((file) => join(folder.path, project, file));
        for (const [i, path] of paths.entries()) writeFileSync(path, `${i}\n`);
        for (const [i, path] of paths.entries()) {
          const options = "columns = {'i': 'BIGINT'}, auto_detect = false, header = false, hive_partitioning = false";
          const safe = duckPath(spellable(path, join(folder.path, `link ${i}`)));
          const result = await connection.run(`SELECT * FROM read_csv(${safe}, ${options})`);
          expect(await result.getRowsJson()).toEqual([[String(i)]]);
        }
      }),
      { numRuns: 100 },
    );
    connection.closeSync();
    instance.closeSync();
  });
});

/** Files below a new folder, and what entries of `events.from` list of them. */
function tree(...files: readonly string[]) {
  const folder = temporaryFolder();
  for (const file of files) {
    mkdirSync(dirname(join(folder.path, file)), { recursive: true });
    writeFileSync(join(folder.path, file), "");
  }
  const list = async (...from: readonly string[]) => {
    const found = await listLogFiles({ from: from.map((entry) => join(folder.path, entry)), format: "csv" });
    return found.map(({ path }) => path.slice(folder.path.length + 1));
  };
  return { path: folder.path, list, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

describe("listLogFiles", () => {
  it("takes an entry that is a file as that file, whatever its name", async () => {
    await fc.assert(
      fc.asyncProperty(name, fc.uniqueArray(name, { minLength: 2, maxLength: 10 }), async (project, names) => {
        using files = tree(...names.map((file) => `${project}/${file}`));
        for (const file of names) expect(await files.list(`${project}/${file}`)).toEqual([`${project}/${file}`]);
        const all = names.filter((file) => !file.startsWith(".")).map((file) => `${project}/${file}`);
        // A file named `*` is that file.
        const expected = names.includes("*") ? [`${project}/*`] : all.sort();
        if (expected.length > 0) expect(await files.list(`${project}/*`)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ["*.csv", ["a.csv", "b.csv", "b1.csv"]],
    ["?.csv", ["a.csv", "b.csv"]],
    ["[a-a].csv", ["a.csv"]],
    ["[!a].csv", ["b.csv"]],
    ["[^a].csv", ["b.csv"]],
    ["[b]*.csv", ["b.csv", "b1.csv"]],
    ["{a,b}.csv", ["a.csv", "b.csv"]],
    ["{b,{x,a}}{,1}.csv", ["a.csv", "b.csv", "b1.csv"]],
    ["{a,d/e/a}.csv", ["a.csv", "d/e/a.csv"]],
    ["*/*.csv", ["d/a.csv"]],
    ["**/a.csv", ["a.csv", "d/a.csv", "d/e/a.csv"]],
    ["**/*.csv", ["a.csv", "b.csv", "b1.csv", "d/a.csv", "d/e/a.csv"]],
    ["d/**", ["d/a.csv", "d/e/a.csv"]],
    ["d/**/a.csv", ["d/a.csv", "d/e/a.csv"]],
    [".*.csv", [".hidden.csv"]],
    ["_temporary/*.csv", ["_temporary/a.csv"]],
    ["d*/e/[a]*.c{s,x}v", ["d/e/a.csv"]],
  ])("expands %s", async (pattern, expected) => {
    using files = tree(
      ...["a.csv", "b.csv", "b1.csv", ".hidden.csv", ".a.csv.crc", "_SUCCESS", "d/a.csv", "d/e/a.csv", "d/.x/a.csv"],
      ...["_temporary/a.csv", "d/_temporary/0/a.csv", "other"],
    );
    expect(await files.list(pattern)).toEqual(expected);
  });

  it("prefers what is there to what it could mean, in every part of a path", async () => {
    using files = tree("p[1]/x.csv", "p1/y.csv", "q*/{a,b}.csv", "q1/a.csv");
    expect(await files.list("p[1]/*.csv")).toEqual(["p[1]/x.csv"]);
    expect(await files.list("q*/{a,b}.csv")).toEqual(["q*/{a,b}.csv"]);
    expect(await files.list("q?/*.csv")).toEqual(["q*/{a,b}.csv", "q1/a.csv"]);
  });

  it("lists a file once, however many entries, links and patterns lead to it", async () => {
    using files = tree("b.csv", "c.csv");
    symlinkSync(join(files.path, "b.csv"), join(files.path, "d.csv"));
    linkSync(join(files.path, "c.csv"), join(files.path, "a.csv"));
    mkdirSync(join(files.path, "sub"));
    symlinkSync(files.path, join(files.path, "sub", "loop"));
    expect(await files.list("*.csv", "b.csv", "d.csv", "**/*.csv", "sub/*/*.csv")).toEqual(["a.csv", "b.csv"]);
  });

  it("refuses what is no regular file, and names it", async () => {
    using files = tree("d/a.csv");
    const at = (file: string) => join(files.path, file);
    execFileSync("mkfifo", [at("pipe.csv")]);
    symlinkSync(at("gone"), at("dangling.csv"));
    const socket = createServer().listen(at("socket.csv"));
    await new Promise((resolve) => socket.once("listening", resolve));
    for (const [entry, got, hint] of [
      ["pipe.csv", "a named pipe", "Write what it yields"],
      ["socket.csv", "a socket", "Write what it yields"],
      ["d", "a folder", `${at("d")}/**/*.csv`],
      ["pipe*", "a named pipe", "Write what it yields"],
      ["dangl*.csv", "ENOENT", "Check the path"],
    ] as const) {
      await expect(files.list(entry)).rejects.toMatchObject({
        code: "EVENTS_UNREADABLE",
        where: expect.stringMatching(/\.csv$|\/d$/),
        got: expect.stringContaining(got),
        hint: expect.stringContaining(hint),
      });
    }
    socket.close();
    await expect(listLogFiles({ from: ["/dev/null"], format: "csv" })).rejects.toMatchObject({ got: "a device" });
    await expect(files.list("d/a.csv", "none*.csv")).rejects.toMatchObject({
      code: "EVENTS_NOT_FOUND",
      where: at("none*.csv"),
    });
    await expect(files.list("[z-a].csv")).rejects.toMatchObject({ code: "EVENTS_NOT_FOUND" });
    await expect(files.list("d/a.csv/*")).rejects.toMatchObject({ code: "EVENTS_NOT_FOUND" });
  });
});

describe("checkUnchanged", () => {
  it("notices another size, time or file, and one that is gone", async () => {
    using files = tree("a.csv");
    const path = join(files.path, "a.csv");
    const change = async (how: () => void) => {
      writeFileSync(path, "one");
      utimesSync(path, 1e9, 1e9);
      const listed = await listLogFiles({ from: [path], format: "csv" });
      await checkUnchanged(listed);
      how();
      return checkUnchanged(listed);
    };
    const refused = { code: "EVENTS_UNREADABLE", where: path };
    await expect(change(() => writeFileSync(path, "other"))).rejects.toMatchObject(refused);
    await expect(change(() => utimesSync(path, 1e9, 1e9 + 0.001))).rejects.toMatchObject(refused);
    const replaced = change(() => {
      writeFileSync(`${path}.new`, "two");
      utimesSync(`${path}.new`, 1e9, 1e9);
      renameSync(`${path}.new`, path);
    });
    await expect(replaced).rejects.toMatchObject(refused);
    await expect(change(() => renameSync(path, `${path}.old`))).rejects.toMatchObject(refused);
  });
});
