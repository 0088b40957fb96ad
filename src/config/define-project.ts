import type { UserConfig } from "./schema.ts";

/** The configuration unchanged: in a `lapidary.config.ts` it gives the editor completion and type checks. */
export function defineProject(config: UserConfig): UserConfig {
  return config;
}
