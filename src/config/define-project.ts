import type { UserConfig } from "./user-config.ts";

/** The configuration unchanged: in a `lapidary.config.ts` it gives the editor completion, type checks, and what keys mean. */
export function defineProject(config: UserConfig): UserConfig {
  return config;
}
