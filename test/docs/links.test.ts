import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../cli/lapidary.ts";

const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

/** The text without blocks of code, whose brackets are no links. */
function proseOf(text: string): string {
  return text.replaceAll(/^```.*?^```$/gms, "").replaceAll(/`[^`\n]*`/g, "code");
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): readonly string[] {
  const headings = text.replaceAll(/^```.*?^```$/gms, "").matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The links of a page that lead nowhere. */
function brokenLinks(path: string, text: string): readonly string[] {
  const links = [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? path : resolve(dirname(path), file);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(target, "utf8")).includes(anchor);
  });
}

describe("links of the documents", () => {
  it.each(PAGES)("%s leads to files and headings that there are", (page) => {
    const path = join(ROOT, page);
    expect(brokenLinks(path, readFileSync(path, "utf8"))).toEqual([]);
  });

  it("a missing file and a missing heading are found", () => {
    const path = join(ROOT, "README.md");
    const text = "# A title: of two\n[a](#lapidary) [b](none.md) [c](CONTRIBUTING.md#none)\n```\n[d](none)\n```";
    expect(brokenLinks(path, text)).toEqual(["none.md", "CONTRIBUTING.md#none"]);
    expect(anchorsOf("## models.NAME: a `b`, c")).toEqual(["modelsname-a-b-c"]);
  });

  it("the files and folders that CONTRIBUTING names are there", () => {
    const text = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
    const named = [...text.matchAll(/`((?:src|native|bench|docs|examples|scripts|test)\/[\w./-]+)`/g)].map(
      ([, path = ""]) => path,
    );
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((path) => !path.includes("NAME") && !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it("every page is reached from the README", () => {
    const seen = new Set<string>();
    const visit = (page: string): void => {
      if (seen.has(page) || !PAGES.includes(page)) return;
      seen.add(page);
      const path = join(ROOT, page);
      for (const [, link = ""] of readFileSync(path, "utf8").matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (!/^https?:/.test(link)) visit(relative(ROOT, resolve(dirname(path), link)));
      }
    };
    visit("README.md");
    const folderOnly = PAGES.filter((page) => page.startsWith(join("docs", "decisions")));
    expect(PAGES.filter((page) => !seen.has(page) && !folderOnly.includes(page))).toEqual([]);
  });
});
