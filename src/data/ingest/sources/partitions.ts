/**
 * Values that the names of a file's folders hold, as Hive and Spark write them: `dt=2025-03-03/part-0.parquet`. Only of
 * the names asked for; the folder nearest to the file counts. Hive's mark of a missing value gives null.
 */
export function partitionsOf(path: string, names: readonly string[]): ReadonlyMap<string, string | null> {
  const values = new Map<string, string | null>();
  const folders = path.split("/").slice(0, -1);
  for (const folder of folders) {
    const at = folder.indexOf("=");
    const name = decoded(folder.slice(0, Math.max(0, at)));
    if (at > 0 && names.includes(name)) values.set(name, valueText(folder.slice(at + 1)));
  }
  return values;
}

const HIVE_NULL = "__HIVE_DEFAULT_PARTITION__";

function valueText(text: string): string | null {
  return text === HIVE_NULL || text === "" ? null : decoded(text);
}

/** Writers escape what a folder's name cannot hold as `%3A`; a name with another per cent sign stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
