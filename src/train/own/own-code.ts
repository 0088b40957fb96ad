import type { ModelConfig } from "../../config/model/model.ts";
import type { ModulePath } from "../../config/module-path.ts";
import { isModulePath } from "../../config/module-path.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { ModelModule, NamedModule } from "../../model/index.ts";
import { loadModule } from "./load-module.ts";
import type { LossModule, OwnLosses } from "./own-losses.ts";

/** SHA-256 of modules, by their paths. */
type Digests = Readonly<Record<string, string>>;

/** What of the project's own code a run is made with. */
export interface OwnCode {
  /** Null where the model is of a built-in kind. */
  readonly model: NamedModule | null;
  readonly losses: OwnLosses;
  readonly modules: Digests;
}

/**
 * Loads the project's own code that a training is made with: its model's, and the losses of its objectives.
 *
 * @throws {LapidaryError} MODULE_NOT_FOUND, MODULE_INVALID
 */
export function loadOwnCode(project: Pick<ProjectConfig, "root" | "losses">, config: ModelConfig): OwnCode {
  const { model, modules } = loadOwnModel(project, config);
  const loaded = Object.entries(lossesOfModel(project, config)).map(([objective, path]) => {
    const { file, exports, sha256 } = loadModule(project.root, path, "loss");
    return { objective, path, sha256, named: { where: file, module: exports as unknown as LossModule } };
  });
  return {
    model,
    losses: Object.fromEntries(loaded.map(({ objective, named }) => [objective, named])),
    modules: { ...modules, ...Object.fromEntries(loaded.map(({ path, sha256 }) => [path, sha256])) },
  };
}

/** Loads the code of a model of the project's own. @throws {LapidaryError} MODULE_NOT_FOUND, MODULE_INVALID */
export function loadOwnModel(
  { root }: Pick<ProjectConfig, "root">,
  { kind }: Pick<ModelConfig, "kind">,
): { readonly model: NamedModule | null; readonly modules: Digests } {
  if (!isModulePath(kind)) return { model: null, modules: {} };
  const { file, exports, sha256 } = loadModule(root, kind, "init");
  return { model: { where: file, module: exports as unknown as ModelModule }, modules: { [kind]: sha256 } };
}

/** The modules of the losses of a model's objectives. */
export function lossesOfModel(
  { losses }: Pick<ProjectConfig, "losses">,
  { objectives }: Pick<ModelConfig, "objectives">,
): Readonly<Record<string, ModulePath>> {
  const used = Object.entries(losses).filter(([name]) => objectives?.includes(name) ?? true);
  return Object.fromEntries(used);
}
