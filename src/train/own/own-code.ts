import { isModulePath } from "../../config/module-path.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { ModelConfig } from "../../config/types.ts";
import type { ModelModule, NamedModule } from "../../model/index.ts";
import { loadModule } from "./load-module.ts";

/** What of the project's own code a run is made with. */
export interface OwnCode {
  /** Null where the model is of a built-in kind. */
  readonly model: NamedModule | null;
  /** SHA-256 of each module, by its path. */
  readonly modules: Readonly<Record<string, string>>;
}

/** Loads the project's own code that a model is made with. @throws {LapidaryError} MODULE_NOT_FOUND, MODULE_INVALID */
export function loadOwnCode({ root }: Pick<ProjectConfig, "root">, { kind }: Pick<ModelConfig, "kind">): OwnCode {
  if (!isModulePath(kind)) return { model: null, modules: {} };
  const { file, exports, sha256 } = loadModule(root, kind, "init");
  return { model: { where: file, module: exports as unknown as ModelModule }, modules: { [kind]: sha256 } };
}
