import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { createJiti, type TransformOptions } from "jiti";
import { LapidaryError } from "../../base/errors.ts";
import { defineProject } from "../../config/define-project.ts";
import type { ModulePath } from "../../config/module-path.ts";
import * as model from "../../model/index.ts";
import * as nn from "../../nn/index.ts";
import * as ops from "../../ops/index.ts";
import * as torch from "../../torch/index.ts";

/** A module of the project's own. */
export interface LoadedModule {
  /** Absolute path of its file. */
  readonly file: string;
  readonly exports: Readonly<Record<string, unknown>>;
  /** SHA-256 over the files of the project that it is made of: its own and those that it imports, by their paths; packages are left out. */
  readonly sha256: string;
}

/** What a module may import of this package: the very instances that train it. */
const OWN_PACKAGES: Readonly<Record<string, object>> = {
  lapidary: { defineProject, LapidaryError },
  "lapidary/torch": torch,
  "lapidary/ops": ops,
  "lapidary/nn": nn,
  "lapidary/model": model,
};

/**
 * Loads a module of the project, TypeScript or JavaScript, anew each time.
 *
 * @param root folder that the path is relative to, that of the configuration
 * @throws {LapidaryError} MODULE_NOT_FOUND; MODULE_INVALID if it cannot be parsed, throws, or lacks an export of the name
 */
export function loadModule(root: string, path: ModulePath, needed: string): LoadedModule {
  const named = resolve(root, path);
  if (!existsSync(named)) throw notFound(named);
  const file = realpathSync(named);
  const sources = new Map([[file, readFileSync(file, "utf8")]]);
  const plain = createJiti(file, { fsCache: false });
  const jiti = createJiti(file, {
    fsCache: false,
    moduleCache: false,
    virtualModules: OWN_PACKAGES,
    transform: (options: TransformOptions) => {
      const { filename = file, source } = options;
      if (!filename.split(sep).includes("node_modules")) sources.set(filename, source);
      return { code: plain.transform(options) };
    },
  });
  const exports = evaluated(file, () => jiti(file) as Readonly<Record<string, unknown>>);
  if (typeof exports[needed] === "function") return { file, exports, sha256: digestOf(realpathSync(root), sources) };
  const names = Object.keys(exports).filter((name) => name !== "default" && name !== "__esModule");
  throw invalid(file, {
    expected: `an exported function \`${needed}\``,
    got: names.length === 0 ? "no exports" : `exports ${names.join(", ")}`,
  });
}

function evaluated<T>(file: string, load: () => T): T {
  try {
    return load();
  } catch (cause) {
    const got = (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, " ");
    throw invalid(file, { expected: "a module that can be loaded", got }, cause);
  }
}

function digestOf(root: string, sources: ReadonlyMap<string, string>): string {
  const hash = createHash("sha256");
  const files = [...sources].map(([file, source]) => [relative(root, file), source] as const);
  for (const [path, source] of files.sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${path}\0${source}\0`);
  return hash.digest("hex");
}

function notFound(file: string): LapidaryError {
  return new LapidaryError({
    code: "MODULE_NOT_FOUND",
    where: file,
    expected: "a module that the configuration names",
    got: "no such file",
    hint: "Correct the path: it is relative to the configuration.",
  });
}

function invalid(where: string, facts: { readonly expected: string; readonly got: string }, cause?: unknown) {
  return new LapidaryError({ code: "MODULE_INVALID", where, ...facts, hint: "Correct the module." }, { cause });
}
