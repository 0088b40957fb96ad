import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../cli/lapidary.ts";
import { configPage } from "./config-page.ts";

const page = readFileSync(join(ROOT, "docs", "config.md"), "utf8");

describe("docs/config.md", () => {
  it("is what the schema says: `npm run docs` writes it anew", () => {
    expect(page).toBe(configPage());
  });

  it("has the keys that people look for, with their defaults", () => {
    expect(page).toContain("| `history` | integer ≥ 1 | `128` | Newest events of the history that the model reads. |");
    expect(page).toMatch(/^\| `item` \| the name of a field, or .* \| required \| The item that was shown: its id\./m);
    expect(page).toMatch(/^## models\.NAME\.architecture$/m);
    expect(page).toMatch(/^- `\{ by, train, validation, test \}`\. By a field of the log/m);
  });

  it("tells values, ranges, forms and what is the same as before", () => {
    const size = { type: "integer", minimum: 2, maximum: 9, description: "How large.", default: 3 };
    const small = { type: "object", description: "A part.", properties: { size } };
    const either = {
      anyOf: [
        { type: "string", description: "A name." },
        { ...small, required: ["size"] },
      ],
    };
    const schema = { type: "object", required: ["a"], properties: { a: small, b: either, c: small } };
    const text = configPage(schema);
    expect(text).toContain("| `a` | [a](#a) | required | A part. |");
    expect(text).toContain("| `size` | integer ≥ 2, ≤ 9 | `3` | How large. |");
    expect(text).toContain(
      "- text. A name.\n- `{ size }`. A part.\n  - `size` (integer ≥ 2, ≤ 9, default `3`). How large.",
    );
    expect(text).toContain("## c\n\nA part.\n\nAs [a](#a).");
  });
});
