import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import type { OnlineStore } from "../serve/index.ts";

/** Where the online store lies, relative to the project. */
const FOLDER = "online";

/**
 * Opens the online store that `--store` and `--store-at` name: in LMDB, it lies in the project's folder unless they say
 * otherwise, and without a project in the working folder.
 *
 * @throws {LapidaryError} USAGE, ONLINE_STORE_*
 */
export async function openStoreOption(
  options: { readonly store: string; readonly storeAt: string | null },
  project: { readonly root: string } | null,
): Promise<OnlineStore> {
  const { openOnlineStore, STORE_KINDS } = await import("../serve/index.ts");
  const kind = STORE_KINDS.find((name) => name === options.store);
  if (kind === undefined) throw usage("--store", STORE_KINDS.join(" or "), options.store);
  if (options.storeAt !== null) return openOnlineStore({ kind, at: options.storeAt });
  if (kind === "redis") throw usage("--store-at", "redis://HOST:PORT", "nothing");
  return openOnlineStore({ kind, at: join(project?.root ?? "", FOLDER) });
}

function usage(where: string, expected: string, got: string): LapidaryError {
  return new LapidaryError({ code: "USAGE", where, expected, got, hint: `Give ${where} as its help says.` });
}
