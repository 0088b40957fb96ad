import { LapidaryError } from "../../base/errors.ts";
import type { ProjectConfig } from "../../config/project.ts";
import { formatBytes, formatCount } from "../screen/progress-line.ts";
import { type Check, ok } from "./check.ts";

/** What is known of the project before it is checked. */
export interface ProjectSource {
  /** Whether the user named a configuration; if not, having none is no fault. */
  readonly isNamed: boolean;
  load(): Promise<ProjectConfig>;
}

/** Checks the configuration and the store that it names; every file of the store is read. */
export async function checkProject({ isNamed, load }: ProjectSource): Promise<readonly Check[]> {
  try {
    const { root, models, store } = await load();
    return [ok("configuration", `${root}, models ${Object.keys(models).join(", ")}`), await checkStore(store)];
  } catch (error) {
    if (!isNamed && error instanceof LapidaryError && error.code === "CONFIG_NOT_FOUND") {
      return [{ name: "configuration", state: "absent", found: "none in this folder", fix: "lapidary init DIR" }];
    }
    return [failure("configuration", error)];
  }
}

async function checkStore(path: string): Promise<Check> {
  const { EventStore } = await import("../../data/store/event-store.ts");
  try {
    const store = EventStore.open(path);
    try {
      store.verify();
      const sizeBytes = Object.values(store.manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0);
      const hasUsers = store.manifest.schema.without?.includes("user") !== true;
      const counts = `${formatCount(store.numEvents)} events${hasUsers ? ` of ${formatCount(store.numUsers)} users` : ""}`;
      return ok("event store", `${store.folder}, ${counts}, ${formatBytes(sizeBytes)}, checksums match`);
    } finally {
      store.close();
    }
  } catch (error) {
    if (!(error instanceof LapidaryError && error.code === "STORE_NOT_FOUND")) return failure("event store", error);
    return { name: "event store", state: "absent", found: `none in ${path}`, fix: "lapidary ingest" };
  }
}

function failure(name: string, error: unknown): Check {
  if (!(error instanceof LapidaryError)) throw error;
  const { where, expected, got, code, hint } = error;
  return { name, state: "failed", found: `${where}: expected ${expected}, got ${got} [${code}]`, fix: hint };
}
