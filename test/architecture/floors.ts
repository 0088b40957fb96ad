import { isTest, type SourceFile } from "./source.ts";

/** Folders of `src/`, top first: a folder imports from itself and from those after it. */
export const FLOORS = [
  "cli",
  "publish",
  "serve",
  "simulate",
  "study",
  "transfer",
  "predict",
  "evaluate",
  "train",
  "distributed",
  "export",
  "model",
  "propose",
  "describe",
  "data",
  "metrics",
  "nn",
  "ops",
  "torch",
  "bundle",
  "report",
  "features",
  "config",
  "files",
  "base",
] as const;

/** What the order alone would allow and the design does not. */
const ONLY: Readonly<Record<string, readonly string[]>> = { report: ["base", "files"] };
const NEVER_REACHED: Readonly<Record<string, readonly string[]>> = { serve: ["torch", "train", "transfer"] };

/** Imports out of `src/`, each with its reason. */
export const WAYS_OUT: readonly { readonly from: string; readonly to: string; readonly reason: string }[] = [
  {
    from: "src/cli/commands/bench.ts",
    to: "bench/registry.ts",
    reason: "the benchmarks measure src from outside; the command loads them when it runs, and does without them",
  },
];

/** The floor that a path is on: the folder below `src/`, or null outside of `src/` and for files directly in it. */
export function floorOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}

function objection(from: string, to: string): string | null {
  const upper = FLOORS.indexOf(from as (typeof FLOORS)[number]);
  const lower = FLOORS.indexOf(to as (typeof FLOORS)[number]);
  if (upper < 0) return `${from} is no floor`;
  if (lower < 0) return `${to} is no floor`;
  if (lower < upper) return `${from} is below ${to}`;
  const only = ONLY[from];
  if (only && from !== to && !only.includes(to)) return `${from} may import only ${only.join(", ")}`;
  return null;
}

/** Imports that go up a floor, out of `src/`, or where the design forbids. Tests may use what is in `test/`. */
export function floorViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const from = floorOf(file.path);
    if (from === null) return [];
    return file.imports.flatMap(({ path }) => {
      const to = floorOf(path);
      if (to === null && isTest(file.path)) return [];
      if (WAYS_OUT.some((way) => way.from === file.path && way.to === path)) return [];
      const reason = to === null ? "no floor of src" : objection(from, to);
      return reason === null ? [] : [`${file.path} imports ${path}: ${reason}`];
    });
  });
}

/** The ways, at run time, from the files `starts` to files on one of the floors `forbidden`; each ends at the first. */
function waysTo(
  forbidden: readonly string[],
  starts: readonly string[],
  files: ReadonlyMap<string, SourceFile>,
): string[] {
  const queue = starts.map((path) => [path]);
  const seen = new Set(starts);
  const found: string[] = [];
  for (let way = queue.shift(); way; way = queue.shift()) {
    const last = way.at(-1) ?? "";
    if (forbidden.includes(floorOf(last) ?? "")) {
      found.push(way.join(" → "));
      continue;
    }
    for (const { path, typeOnly } of files.get(last)?.imports ?? []) {
      if (typeOnly || seen.has(path)) continue;
      seen.add(path);
      queue.push([...way, path]);
    }
  }
  return found;
}

/** Ways, at run time and over any number of files, from a floor to one that it must never load. */
export function reachViolations(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const shipped = files.map(({ path }) => path).filter((path) => !isTest(path));
  return Object.entries(NEVER_REACHED).flatMap(([floor, forbidden]) =>
    waysTo(
      forbidden,
      shipped.filter((path) => floorOf(path) === floor),
      byPath,
    ),
  );
}
