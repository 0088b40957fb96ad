/** Lines of a file: 250 wanted, this is the limit. Functions, parameters and complexity are Biome's to check. */
export const MAX_LINES = 400;
/** A `utils.ts` above this has become a place to put things. */
export const MAX_UTILS_LINES = 150;

/** Files that may break the budget of lines, by the start of their path, each with its reason. */
export const EXCEPTIONS: readonly { readonly path: string; readonly reason: string }[] = [
  { path: "src/torch/generated/", reason: "generated from the operators' schemas: as long as there are operators" },
  { path: "src/config/user-config.ts", reason: "made from the schema: as long as there are keys" },
];

/** Files of a folder, tests included: above it the folder needs wings. */
export const MAX_FILES = 20;

/** Folders with more files than {@link MAX_FILES}. */
export function crowdedFolders(paths: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const crowded = [...counts].filter(([, count]) => count > MAX_FILES);
  return crowded.map(([folder, count]) => `${folder}: ${count} files, at most ${MAX_FILES}`);
}

/** Files that are longer than their budget. */
export function budgetViolations(files: readonly { readonly path: string; readonly text: string }[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (EXCEPTIONS.some((exception) => path.startsWith(exception.path))) return [];
    const limit = /(^|\/)utils\.[a-z]+$/.test(path) ? MAX_UTILS_LINES : MAX_LINES;
    const lines = text.trimEnd().split("\n").length;
    return lines > limit ? [`${path}: ${lines} lines, at most ${limit}`] : [];
  });
}
