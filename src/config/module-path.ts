/** Path of a module of the project's own, relative to its configuration. */
export type ModulePath = `./${string}` | `../${string}`;

/** What a {@link ModulePath} looks like. */
export const MODULE_PATTERN = "^\\.{1,2}/.+\\.[cm]?[jt]s$";

/** Whether a kind of a model is a module of the project's own. */
export function isModulePath(kind: string): kind is ModulePath {
  return kind.startsWith("./") || kind.startsWith("../");
}
