import { mkdirSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { LapidaryError } from "../base/errors.ts";
import { factsOf, failureText } from "./failure.ts";

const facts = { code: "EVENTS_FIELD", where: "log.csv", expected: "a field", got: "none", hint: "Map it." } as const;

afterEach(() => {
  delete process.env["LAPIDARY_DEBUG"];
});

describe("failures", () => {
  it("are told as data, with the hint on a line of its own and no stack", () => {
    const error = new LapidaryError(facts);
    expect(factsOf(error, "lapidary ingest")).toEqual(facts);
    expect(failureText(facts, error)).toBe("error: log.csv: expected a field, got none [EVENTS_FIELD]\nMap it.");
  });

  it("add the stack for who asks for it", () => {
    process.env["LAPIDARY_DEBUG"] = "1";
    expect(failureText(facts, new LapidaryError(facts))).toMatch(/\n {4}at .*failure\.test/);
  });

  it("of the system are no defects", () => {
    const error = (() => {
      try {
        return mkdirSync("/dev/null/folder");
      } catch (cause) {
        return cause;
      }
    })();
    expect(factsOf(error, "lapidary init")).toMatchObject({ code: "FILE_SYSTEM", where: "/dev/null/folder" });
  });

  it.each([
    [
      'TransactionContext Error: Failed to commit: Could not write file "/a b/rows.wal": No space left on device',
      "/a b/rows.wal",
    ],
    [
      'IO Error: Checkpoint failed for database "kept". The database has been invalidated. Original error: Could not write file "/a/rows.duckdb": No space left on device',
      "/a/rows.duckdb",
    ],
    ['IO Error: Cannot open file "/a/x": Permission denied', "/a/x"],
  ])("of the system that the query engine tells are no defects either: %s", (message, path) => {
    expect(factsOf(new Error(message), "lapidary ingest")).toMatchObject({ code: "FILE_SYSTEM", where: path });
  });

  it.each([
    [new TypeError("x is not a function\nsecond line"), "TypeError: x is not a function"],
    ["a text", "a text"],
    [undefined, "undefined"],
  ])("of other kinds are defects of ours: %s", (error, got) => {
    const facts = factsOf(error, "lapidary ingest");
    expect(facts).toMatchObject({ code: "INTERNAL", where: "lapidary ingest", got });
    expect(facts.hint).toMatch(/report.*LAPIDARY_DEBUG=1/);
  });
});
