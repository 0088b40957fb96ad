import { LapidaryError } from "../../base/errors.ts";
import type { EventDifference } from "./event-agreement.ts";

interface NamedBundle {
  readonly dir: string;
  readonly name: string;
}

/** A place without bundles. */
export function noBundle(where: string): LapidaryError {
  const hint = "Publish a run with `lapidary export RUN`, or name a bundle with --bundle.";
  return new LapidaryError({ code: "BUNDLE_NOT_FOUND", where, expected: "a bundle", got: "none", hint });
}

/** No model, or no bundle of one, has the name that was asked for. */
export function noModel(name: string, names: readonly string[]): LapidaryError {
  const expected = names.length === 0 ? "a model that serves" : `the model ${names.toSorted().join(" or ")}`;
  const hint = "POST /v2/repository/index lists the models.";
  return new LapidaryError({ code: "SERVE_NOT_FOUND", where: "path", expected, got: name, hint });
}

/** Two bundles of one model. */
export function sameName(first: NamedBundle, second: NamedBundle): LapidaryError {
  return new LapidaryError({
    code: "SERVE_MODELS",
    where: second.dir,
    expected: `a model of another name than ${first.name}`,
    got: `${second.name}, as in ${first.dir}`,
    hint: "Remove one of the two bundles, or serve one of them with --bundle.",
  });
}

/** A model that takes other events than those that it is to share the online store with. */
export function otherEvents({ dir, name }: NamedBundle, other: string, difference: EventDifference): LapidaryError {
  const { what, own, other: otherwise } = difference;
  return new LapidaryError({
    code: "SERVE_MODELS",
    where: dir,
    expected: `the events of the model ${other}, with which ${name} shares the online store: ${what} ${otherwise}`,
    got: own,
    hint: "Export the older of the two again after training it on the same event store, or serve them apart.",
  });
}

/** None of the bundles of a folder can be loaded: what is wrong with the first, and how many there are. */
export function noModelLoads(where: string, failures: readonly unknown[]): unknown {
  const [first] = failures;
  if (failures.length < 2 || !(first instanceof LapidaryError)) return first;
  const { code, hint } = first;
  const expected = `one of ${failures.length} bundles that can be loaded`;
  return new LapidaryError({ code, where, expected, got: `none; the first: ${first.message}`, hint });
}
