import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, temporaryFolder } from "../cli/lapidary.ts";
import { configTypes } from "./config-types.ts";

describe("src/config/user-config.ts", () => {
  it("is what the schema says: `npm run docs` writes it anew", () => {
    expect(readFileSync(join(ROOT, "src", "config", "user-config.ts"), "utf8")).toBe(configTypes());
  });

  it("has the type that the schema has", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "same.mts");
    const typeIn = (module: string): string => `import("${join(ROOT, "dist", "src", "config", module)}").UserConfig`;
    writeFileSync(
      file,
      `type Flat<T> = T extends object ? { [K in keyof T]: Flat<T[K]> } : T;
type Are<T> = <X>() => X extends T ? 1 : 2;
type Of<T> = Are<Flat<T>>;
type IsSame<A, B> = Of<A> extends Of<B> ? true : false;
export const same: IsSame<${typeIn("user-config.js")}, ${typeIn("schema.js")}> = true;
export const other: IsSame<${typeIn("user-config.js")}, Partial<${typeIn("schema.js")}>> = false;
`,
    );
    const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "--module", "nodenext"];
    const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const ended = spawnSync(process.execPath, [compiler, ...options, file], { encoding: "utf8", cwd: folder.path });
    expect(ended.stdout).toBe("");
    expect(ended.status).toBe(0);
  });

  it("tells meanings and defaults, forms, and what a name stands for", () => {
    const size = { type: "integer", description: "How large.", default: 3 };
    const part = { type: "object", description: "A part.", properties: { size }, required: ["size"] };
    const schema = {
      type: "object",
      description: "All.",
      required: ["a"],
      properties: {
        a: { ...part, description: "The first." },
        b: { ...part, description: "The second." },
        either: {
          anyOf: [{ enum: ["x", "y"] }, { type: "array", items: { enum: [1, 2] } }, part],
          description: "Forms.",
        },
        things: { type: "object", patternProperties: { "^.*$": { ...part, required: [] } }, description: "By name." },
        day: { type: "string", pattern: "^\\d$", title: "a digit", description: "When." },
      },
    };
    expect(configTypes(schema).split("\n").slice(3).join("\n")).toBe(`/** All. */
export interface UserConfig {
  /** The first. */
  a: UserA;
  /** The second. */
  b?: UserA;
  /** Forms. */
  either?: "x" | "y" | (1 | 2)[] | {
    /** How large. @default 3 */
    size: number;
  };
  /** By name. */
  things?: Record<string, UserThing>;
  /** When. A digit. */
  day?: string;
}

/** The first. */
export interface UserA {
  /** How large. @default 3 */
  size: number;
}

/** A part. */
export interface UserThing {
  /** How large. @default 3 */
  size?: number;
}
`);
  });
});
