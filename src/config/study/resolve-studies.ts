import { join, type Problem, show } from "../../base/check.ts";
import { parseDuration } from "../../base/units.ts";
import { type Filled, fillIn } from "../defaults.ts";
import { type Report, resolveModel, type UserModel } from "../model/resolve-models.ts";
import type { UserConfig } from "../schema.ts";
import {
  type AblationStudy,
  type LightweightStudy,
  type ScalingStudy,
  type StudyConfig,
  type TargetStudy,
  UNCHANGED,
} from "./studies.ts";
import { ABLATION_SCHEMA, SCALING_SCHEMA, TARGET_SCHEMA } from "./study-schema.ts";

type UserStudy = NonNullable<UserConfig["studies"]>[string];
type OfKind<K extends UserStudy["kind"]> = Extract<UserStudy, { readonly kind: K }>;
type UserVariant = OfKind<"ablation">["variants"][string];
type Light = OfKind<"lightweight">["light"];

/** Where in the configuration something is resolved, and who is told of what is wrong there. */
interface Place {
  readonly path: string;
  readonly user: UserConfig;
  readonly report: Report;
}

/** The studies, every default filled in and every variant a whole model. */
export function resolveStudies(user: UserConfig, report: Report): Readonly<Record<string, StudyConfig>> {
  const studies = Object.entries(user.studies ?? {});
  return Object.fromEntries(
    studies.flatMap(([name, study]) => {
      const resolved = resolveStudy(study, { path: join("studies", name), user, report });
      return resolved === null ? [] : [[name, resolved] as const];
    }),
  );
}

/** Null if it was reported that there is nothing to study. */
function resolveStudy(study: UserStudy, place: Place): StudyConfig | null {
  switch (study.kind) {
    case "scaling":
      return resolveScaling(study, place);
    case "ablation":
      return resolveAblation(study, {}, place);
    case "lightweight":
      return resolveLightweight(study, place);
    case "target":
      return resolveTarget(study, place);
  }
}

function resolveScaling(study: OfKind<"scaling">, place: Place): ScalingStudy {
  const filled = fillIn(SCALING_SCHEMA, study);
  for (const name of filled.models) checkFamily(name, place);
  return { ...filled, sizes: sizesByFamily(filled, place), data: filled.data.toSorted((a, b) => a - b) };
}

function sizesByFamily({ models, sizes }: Filled<typeof SCALING_SCHEMA>, place: Place): ScalingStudy["sizes"] {
  if (Array.isArray(sizes)) return Object.fromEntries(models.map((name) => [name, sizes]));
  const named = sizes as ScalingStudy["sizes"];
  const missing = models.filter((name) => !Object.hasOwn(named, name));
  const strange = Object.keys(named).filter((name) => !models.includes(name));
  for (const name of missing) complain(place, { path: "sizes", expected: `sizes of ${name}`, got: "none" });
  for (const name of strange) {
    complain(place, { path: `sizes.${name}`, expected: `a family: ${models.join(", ")}`, got: show(name) });
  }
  return named;
}

/** A family must have the sizes of the study, not one of its own; one without layers has a width to grow. */
function checkFamily(name: string, place: Place): void {
  const model = modelIn(place, name, "models");
  if (model === null) return;
  for (const key of ["dim", "layers"] as const) {
    if (model[key] === undefined || model[key] === 0) continue;
    const expected = `models without \`${key}\`, whose sizes follow from \`size\``;
    complain(place, { path: "models", expected, got: `${name} with ${key} ${show(model[key])}` });
  }
}

function resolveAblation(study: OfKind<"ablation">, light: Light, place: Place): AblationStudy | null {
  const filled = fillIn(ABLATION_SCHEMA, study);
  const base = modelIn(place, study.model, "model");
  if (base === null) return null;
  if (UNCHANGED in study.variants) {
    complain(place, {
      path: `variants.${UNCHANGED}`,
      expected: "another name: the model itself has this one",
      got: show(UNCHANGED),
    });
  }
  const resolved = Object.entries({ [UNCHANGED]: {}, ...study.variants }).map(([name, change]) => {
    const { apart = false, ...changes } = change as UserVariant;
    const path = join(place.path, name === UNCHANGED ? "model" : `variants.${name}`);
    return [
      name,
      { apart, model: resolveModel(changed(changed(base, light), changes), place.user, { ...place, path }) },
    ];
  });
  return { ...filled, variants: Object.fromEntries(resolved) as AblationStudy["variants"] };
}

function resolveLightweight(study: OfKind<"lightweight">, place: Place): LightweightStudy | null {
  const { of, light: changes, seeds, data } = study;
  const studies = place.user.studies ?? {};
  const full = Object.hasOwn(studies, of) ? studies[of] : undefined;
  if (full?.kind !== "ablation") {
    const names = Object.keys(studies).filter((name) => studies[name]?.kind === "ablation");
    complain(place, {
      path: "of",
      expected: `an ablation of the studies (${names.join(", ") || "there is none"})`,
      got: show(of),
    });
    return null;
  }
  // What is wrong with the ablation is said of the ablation.
  const own = { ...full, ...(seeds ? { seeds } : {}), ...(data ? { data } : {}) };
  const light = resolveAblation(own, changes, { ...place, path: join(place.path, "light"), report: () => {} });
  return light === null ? null : { kind: "lightweight", of, light };
}

function resolveTarget(study: OfKind<"target">, place: Place): TargetStudy | null {
  const { every, target = null, objective = null, ...filled } = fillIn(TARGET_SCHEMA, study);
  const everyMs = parseDuration(every) ?? 0;
  if (everyMs === 0) complain(place, { path: "every", expected: "a duration above 0", got: show(every) });
  const model = modelIn(place, study.model, "model");
  const objectives = model?.objectives ?? Object.keys(place.user.objectives);
  if (objective !== null && !objectives.includes(objective)) {
    complain(place, { path: "objective", expected: `one of ${objectives.join(", ")}`, got: show(objective) });
  }
  return model === null ? null : { ...filled, everyMs, target, objective };
}

function changed(model: UserModel, changes: Omit<UserVariant, "apart">): UserModel {
  const { architecture, training, ...dials } = changes;
  return {
    ...model,
    ...dials,
    ...(architecture ? { architecture: { ...model.architecture, ...architecture } } : {}),
    ...(training ? { training: { ...model.training, ...training } } : {}),
  };
}

/** The model that a key of the study names; null if it was reported that there is none. */
function modelIn(place: Place, name: string, key: string): UserModel | null {
  const { models } = place.user;
  const model = Object.hasOwn(models, name) ? models[name] : undefined;
  if (model !== undefined) return model;
  complain(place, { path: key, expected: `a model: ${Object.keys(models).join(", ")}`, got: show(name) });
  return null;
}

function complain({ path, report }: Place, problem: Pick<Problem, "path" | "expected" | "got">): void {
  const hint = "Correct the study, or the model that it names.";
  report({ code: "CONFIG_INVALID", hint, ...problem, path: join(path, problem.path) });
}
