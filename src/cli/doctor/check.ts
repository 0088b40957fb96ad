import { PACKAGE } from "../../torch/addon.ts";

/**
 * `ok`: there. `failed`: needed and not there, or broken. `warning`: it works, but not as well as it could.
 * `absent`: not there, and only needed by some.
 */
export type CheckState = "ok" | "failed" | "warning" | "absent";

/** What was found out about one thing. */
export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly found: string;
  /** The command that gets it, or what else to do; null where there is nothing to do. */
  readonly fix: string | null;
}

/** A thing that is as it should be. */
export function ok(name: string, found: string): Check {
  return { name, state: "ok", found, fix: null };
}

/** Builds the native part against what it finds; installs the system's packages, or says which are missing. */
export const SET_UP: string = `cd ${PACKAGE} && npm run setup`;

/** A command as its user must write it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}
