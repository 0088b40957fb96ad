/** Which model a request is for: by its path, by its body, or the only one. */
import type { ModelHost } from "../models/model-host.ts";
import type { ModelRepository } from "../models/model-repository.ts";
import type { ServedModel } from "../ranker/served-model.ts";
import { wrong } from "./values/problems.ts";

/** The model that a path names. @throws {LapidaryError} SERVE_NOT_FOUND if none of that name serves */
export function modelOfPath(models: ModelRepository, name: string): ModelHost {
  const host = models.host(name);
  if (host !== null) return host;
  throw wrong("path", namesOf(models), name, "SERVE_NOT_FOUND");
}

/** @throws {LapidaryError} SERVE_NOT_FOUND if the version that a path names is not the one that serves */
export function checkVersion({ name, version }: ServedModel, requested: string | undefined): void {
  if (requested === undefined || requested === version) return;
  throw wrong("path", `version ${version} of ${name}`, requested, "SERVE_NOT_FOUND");
}

/**
 * The model that the member `model` of a body names, or the only one where it names none.
 *
 * @throws {LapidaryError} SERVE_NOT_FOUND if none of that name serves, SERVE_REQUEST if it names none of several
 */
export function modelOfBody(models: ModelRepository, name: unknown): ModelHost {
  if (typeof name === "string") {
    const host = models.host(name);
    if (host !== null) return host;
    throw wrong("model", namesOf(models), name, "SERVE_NOT_FOUND");
  }
  if (name !== undefined) throw wrong("model", "the name of a model", name);
  const [only, ...others] = models.hosts;
  if (only === undefined) throw wrong("model", namesOf(models), name, "SERVE_NOT_FOUND");
  if (others.length > 0) throw wrong("model", namesOf(models), name);
  return only;
}

/** The names that a request may use, in words. */
function namesOf({ hosts }: ModelRepository): string {
  const names = hosts.map(({ current }) => current.name);
  if (names.length === 0) return "a model that serves, of which there is none";
  return names.length === 1 ? `the model ${names[0]}` : `one of the models ${names.join(", ")}`;
}
