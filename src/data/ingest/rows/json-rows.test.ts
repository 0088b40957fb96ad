import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { eventsConfig, temporaryFolder } from "../../events.test.support.ts";
import { ingest } from "../ingest.ts";

/** Characters that stand for something where lists or texts are written. */
const NASTY = ["a", " ", ",", "'", '"', "\\", "[", "]", "{", "}", "\0", "\n", "é", "😀", "NULL"];
const key = fc.array(fc.constantFrom(...NASTY), { maxLength: 4 }).map((parts) => parts.join(""));
/** A field that is mapped, named as nothing else is. */
const FIELD = `it's, ["brand"] \\`;

it("a record that names a mapped field twice is refused, whatever its other fields are called", async () => {
  using folder = temporaryFolder();
  let round = 0;
  const record = fc.record({ others: fc.array(key, { maxLength: 5 }), isTwice: fc.boolean(), at: fc.nat(5) });
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 30, maxLength: 60 }), async (records) => {
      const path = join(folder.path, `${round}.jsonl`);
      const lines = records.map(({ others, isTwice, at }, i) => {
        const fields = [...others.filter((name) => name !== FIELD).map((name): [string, unknown] => [name, 1])];
        fields.splice(at, 0, ["event_id", `e${i}`], ["user_id", "u"], ["ad_id", 1], ["ts", 1_600_000_000_000 + i]);
        fields.splice(at, 0, [FIELD, "x"]);
        if (isTwice) fields.push([FIELD, "y"]);
        return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}\n`;
      });
      const good = `${JSON.stringify({ event_id: "e", user_id: "u", ad_id: 1, ts: 1_600_000_000_000, [FIELD]: "x" })}\n`;
      writeFileSync(path, `${lines.join("")}${good}`);
      const own = eventsConfig(path, "jsonl");
      const attributes = { brand: { from: FIELD, kind: "category", ids: { kind: "dictionary" } } } as const;
      const config = { ...own, attributes, outcomes: {}, action: { value: "view" }, origin: { value: "ad" } } as const;
      const { rows, rejections } = await ingest(config, { store: join(folder.path, `${round++}`), threads: 1 });
      const twice = records.filter(({ isTwice }) => isTwice).length;
      expect(rejections).toEqual(twice === 0 ? {} : { "row: expected each field once": twice });
      expect(rows.accepted).toBe(records.length + 1 - twice);
    }),
    { numRuns: 5, endOnFailure: true },
  );
});
