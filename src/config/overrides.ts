import { isPlainObject, isReservedKey } from "../base/check.ts";
import { LapidaryError } from "../base/errors.ts";
import { type Override, type OverrideFailure, parseOverride } from "./override-grammar.ts";

/**
 * A copy of `value` with overrides applied in order; `value` itself is not changed. Overrides change what the user
 * wrote, so `a=1` also sets a key that was left to its default; whether the key exists is checked afterwards, by the
 * schema.
 *
 * @throws {LapidaryError} CONFIG_OVERRIDE with the position in the override's text
 * @see Hydra's basic override syntax, https://hydra.cc/docs/advanced/override_grammar/basic/
 */
export function applyOverrides(value: unknown, overrides: readonly string[]): unknown {
  return overrides.reduce((current: unknown, text) => {
    const fail: OverrideFailure = (position, expected, got) => {
      throw overrideError(text, { position, expected, got });
    };
    const override = parseOverride(text, fail);
    if (override.path.some(isReservedKey)) fail(0, "a key of the configuration", override.path.join("."));
    return applyAt(current, override, { depth: 0, fail });
  }, value);
}

interface Place {
  readonly depth: number;
  readonly fail: OverrideFailure;
}

function applyAt(container: unknown, override: Override, { depth, fail }: Place): unknown {
  const { action, path, value } = override;
  const key = path[depth];
  if (key === undefined) return value;
  const where = path.slice(0, depth).join(".") || "the configuration";
  if (!isPlainObject(container)) return fail(0, `${where} to be an object`, kindOf(container));
  const present = Object.hasOwn(container, key) && container[key] !== undefined;
  const last = depth === path.length - 1;
  if (!present && action === "delete")
    return fail(0, `${path.slice(0, depth + 1).join(".")} to exist`, "nothing there");
  if (last && present && action === "add")
    return fail(0, `${path.join(".")} to be absent (use = or ++ to replace it)`, "a value there");
  const { [key]: previous, ...others } = container;
  if (last && action === "delete") return others;
  const next = applyAt(present ? previous : {}, override, { depth: depth + 1, fail });
  // The key keeps its place: the order of objectives is the order of columns.
  return { ...container, [key]: next };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return value === null ? "null" : typeof value;
}

function overrideError(
  text: string,
  { position, expected, got }: { position: number; expected: string; got: string },
): LapidaryError {
  return new LapidaryError({
    code: "CONFIG_OVERRIDE",
    where: `override ${JSON.stringify(text)} at character ${position + 1}`,
    expected,
    got,
    hint: "Write key=value, +key=value, ++key=value or ~key; quote text that has special characters.",
  });
}
