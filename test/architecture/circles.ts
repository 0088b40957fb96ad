import type { SourceFile } from "./source.ts";

/** Files, by their paths, that a file leads to over any number of imports. */
function reached(from: string, nexts: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...(nexts.get(from) ?? [])];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    open.push(...(nexts.get(path) ?? []));
  }
  return found;
}

/** Circles of imports, those of types included: the files of each, which all reach each other. */
export function circles(files: readonly SourceFile[]): readonly string[] {
  const nexts = new Map(files.map(({ path, imports }) => [path, imports.map((one) => one.path)]));
  const reach = new Map(files.map(({ path }) => [path, reached(path, nexts)]));
  const groups = files.flatMap(({ path }) => {
    const own = reach.get(path);
    if (!own?.has(path)) return [];
    return [
      [...own]
        .filter((other) => reach.get(other)?.has(path))
        .sort()
        .join(", "),
    ];
  });
  return [...new Set(groups)];
}
