import { LapidaryError } from "../config/errors.ts";
import type { OnlineStore } from "../serve/index.ts";

/** Opens the online store that `--store` and `--store-at` name. @throws {LapidaryError} USAGE, ONLINE_STORE_* */
export async function openStoreOption(options: {
  readonly store: string;
  readonly storeAt: string;
}): Promise<OnlineStore> {
  const { openOnlineStore, STORE_KINDS } = await import("../serve/index.ts");
  const kind = STORE_KINDS.find((name) => name === options.store);
  if (kind !== undefined) return openOnlineStore({ kind, at: options.storeAt });
  throw new LapidaryError({
    code: "USAGE",
    where: "--store",
    expected: STORE_KINDS.join(" or "),
    got: options.store,
    hint: "Use one of these.",
  });
}
