import type { ProjectConfig } from "./project.ts";

/**
 * The resolved configuration as JSON text, saved in run folders: equal configurations give equal bytes. The keys of
 * the schema are in a fixed order; objectives, outcomes, attributes and models stay in the order written, because it
 * is the order of a batch's columns.
 */
export function dumpConfig(config: ProjectConfig): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}
