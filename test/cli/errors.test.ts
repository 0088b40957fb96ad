import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Ended, lapidary, lastLine, ROOT, start, temporaryFolder } from "./lapidary.ts";

interface Failure {
  readonly error: Readonly<Record<"code" | "where" | "expected" | "got" | "hint", string>>;
}

/** The facts that `--json` tells; the same must stand on stderr, and no stack. */
function failure(ended: Ended): Failure["error"] {
  const { error } = lastLine<Failure>(ended);
  expect(ended.stdout.trimEnd().split("\n")).toHaveLength(1);
  const { where, expected, got, code, hint } = error;
  expect(ended.stderr).toBe(`error: ${where}: expected ${expected}, got ${got} [${code}]\n${hint}\n`);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  return error;
}

describe("a command line that is none", () => {
  it.each([
    { args: ["igest"], got: /^unknown command 'igest'$/, hint: /^Did you mean ingest\? / },
    { args: ["ingest", "--forse"], got: /^unknown option '--forse'$/, hint: /^Did you mean --force\? .*ingest --help/ },
    { args: [], got: /^unknown option '--json'$/, hint: /^Options stand behind the command/ },
    { args: ["init"], got: /^missing required argument 'DIR'$/, hint: /init --help/ },
    { args: ["ingest", "--set"], got: /^option '--set <KEY=VALUE>' argument missing$/, hint: /ingest --help/ },
    {
      args: ["bench", "--pairs", "1"],
      got: /'--pairs <N>' argument '1' is invalid.*at least 5$/,
      hint: /bench --help/,
    },
    { args: ["doctor", "x"], got: /^too many arguments/, hint: /doctor --help/ },
    { args: ["init", "x", "--config", "y"], got: /^unknown option '--config'$/, hint: /init --help/ },
  ])("$args is told with what comes nearest, and exit code 2", async ({ args, got, hint }) => {
    // At the front, or `--json` would be taken for the value that is missing.
    const ended = await lapidary([...args.slice(0, 1), "--json", ...args.slice(1)]);
    expect(ended.code).toBe(2);
    const error = failure(ended);
    expect(error.code).toBe("USAGE");
    expect(error.got).toMatch(got);
    expect(error.hint).toMatch(hint);
  });

  it("without anything names no command", async () => {
    expect(await lapidary([])).toMatchObject({ code: 2, stderr: expect.stringContaining("got no command [USAGE]") });
  });

  it("writes nothing to stdout without --json", async () => {
    expect(await lapidary(["igest"])).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("a project that is wrong", () => {
  it("tells a configuration that is not there", async () => {
    using folder = temporaryFolder();
    const ended = await lapidary(["ingest", "--json", "--config", join(folder.path, "absent.yaml")]);
    expect(ended.code).toBe(1);
    expect(failure(ended)).toMatchObject({ code: "CONFIG_NOT_FOUND", hint: expect.stringContaining("lapidary init") });
  });

  it("tells every problem of a configuration, and of an override where it is", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "lapidary.config.yaml"), "evnts: {}\n");
    const ended = await lapidary(["ingest", "--json"], { cwd: folder.path });
    expect(ended.code).toBe(1);
    expect(failure(ended).code).toMatch(/^CONFIG_/);
    expect(ended.stderr).toContain("events");
    const overridden = await lapidary(["ingest", "--json", "--set", "a..b=1"], { cwd: folder.path });
    expect(failure(overridden)).toMatchObject({ code: "CONFIG_OVERRIDE", where: expect.stringContaining("a..b=1") });
  });

  it("tells what the system refuses", async () => {
    const ended = await lapidary(["init", "/dev/null/project", "--json"]);
    expect(ended.code).toBe(1);
    expect(failure(ended)).toMatchObject({ code: "FILE_SYSTEM", where: "/dev/null/project" });
  });
});

describe("a defect", () => {
  const code = 'process.constrainedMemory=()=>{throw new TypeError("broken on purpose")}';
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}` };

  it("is one line and how to report it", async () => {
    const ended = await lapidary(["doctor", "--json"], { env });
    expect(ended.code).toBe(1);
    expect(failure(ended)).toMatchObject({ code: "INTERNAL", got: "TypeError: broken on purpose" });
  });

  it("shows its stack to who asks for it", async () => {
    const { stderr } = await lapidary(["doctor"], { env: { ...env, LAPIDARY_DEBUG: "1" } });
    expect(stderr).toMatch(/\n {4}at /);
  });
});

describe("a reader that has read enough", () => {
  it("ends nothing and is not spoken of", async () => {
    const command = `"${process.execPath}" dist/src/cli/main.js bench | head -1; echo "\${PIPESTATUS[0]}"`;
    const child = spawn("bash", ["-c", command], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    await once(child, "close");
    expect(output).toMatch(/^dispatch .*\n0\n$/);
    // Closed before anything is written, on both streams.
    const { child: early, ended } = start(["bench"]);
    early.stdout?.destroy();
    early.stderr?.destroy();
    expect((await ended).code).toBe(0);
  });

  it("is not a disk that is full", async () => {
    const command = `"${process.execPath}" dist/src/cli/main.js bench --json > /dev/full`;
    const child = spawn("bash", ["-c", command], { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (text) => {
      errors += text;
    });
    expect(await once(child, "close")).toEqual([1, null]);
    expect(errors).toMatch(/^\{?.*error: stdout: .*ENOSPC.*\[FILE_SYSTEM\]/s);
  });
});
