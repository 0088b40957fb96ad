import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventsConfig, storeBytes, temporaryFolder } from "../../src/data/events.test.support.ts";
import { ingest } from "../../src/data/ingest/ingest.ts";
import { FORMS, openEngine, type Row } from "./log-forms.ts";

/** Generated logs; LAPIDARY_TEST_RUNS asks for more. */
const RUNS = Number(process.env["LAPIDARY_TEST_RUNS"] ?? 6);

/** What every format can hold: TSV has neither tabs nor line breaks, and text of space alone is no text of JSON's lines. */
const word = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
  .filter((text) => !/[\t\r\n\uFEFF]/.test(text) && text !== "\\N");

const row = fc.record({
  user_id: fc.oneof(
    fc.nat(9).map((i) => `u${i}`),
    word,
  ),
  ad_id: fc.nat(20),
  ts: fc.integer({ min: 1_600_000_000_000, max: 1_600_000_900_000 }),
  action: fc.option(fc.constantFrom("view", "like")),
  origin: fc.option(fc.constantFrom("ad", "organic")),
  brand: fc.option(word),
  price: fc.option(fc.float({ noNaN: true, noDefaultInfinity: true })),
  is_click: fc.option(fc.constantFrom(0, 1)),
  dwell: fc.option(fc.nat(9)),
});

/** What is stored, byte by byte: all but where it came from. */
function stored(store: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(storeBytes(store)).filter(([name]) => /columns|dictionaries/.test(name)));
}

interface Shuffle {
  readonly draws: Iterator<number>;
  readonly numFiles: number;
}

/** The rows in another order, in files. */
function shuffled(rows: readonly Row[], { draws, numFiles }: Shuffle): readonly (readonly Row[])[] {
  const drawn = rows.map((each) => ({ draw: Number(draws.next().value), each })).sort((a, b) => a.draw - b.draw);
  const parts = Array.from({ length: numFiles }, (): Row[] => []);
  for (const { draw, each } of drawn) parts[draw % numFiles]?.push(each);
  return parts.filter((part) => part.length > 0);
}

async function writeFiles(
  engine: DuckDBConnection,
  form: string,
  { dir, parts }: { readonly dir: string; readonly parts: readonly (readonly Row[])[] },
): Promise<void> {
  const [, ending, write] = FORMS[form]!;
  mkdirSync(dir);
  for (const [i, part] of parts.entries()) await write(part, join(dir, `${i}.${ending}`), engine);
}

async function ingested(form: string, dir: string, numRows: number): Promise<Readonly<Record<string, string>>> {
  const [format, ending] = FORMS[form]!;
  const store = join(dir, "store");
  const result = await ingest(eventsConfig(join(dir, `*.${ending}`), format), { store, threads: 1 });
  expect(result.rows).toMatchObject({ rowsRead: numRows, accepted: numRows });
  return stored(store);
}

describe("a log", () => {
  it(`gives the same bytes in six forms, split and shuffled among files (${RUNS} logs)`, async () => {
    using engine = await openEngine();
    const logs = fc.tuple(
      fc.array(row, { minLength: 1, maxLength: 40 }),
      fc.infiniteStream(fc.nat()),
      fc.integer({ min: 1, max: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(logs, async ([generated, draws, numFiles]) => {
        using folder = temporaryFolder();
        const rows: Row[] = generated.map((each, i) => ({ event_id: `e${i}`, ...each }));
        const found: Record<string, unknown> = {};
        for (const form of Object.keys(FORMS)) {
          const dir = join(folder.path, form);
          await writeFiles(engine.connection, form, { dir, parts: shuffled(rows, { draws, numFiles }) });
          found[form] = await ingested(form, dir, rows.length);
        }
        for (const form of Object.keys(FORMS)) expect(found[form], form).toEqual(found["csv"]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
