import { LapidaryError } from "../../base/errors.ts";
import { Tensor } from "../../torch/index.ts";

/** What a function of a module of the project's own gives. @throws {LapidaryError} MODULE_RESULT with what it threw, and where */
export function resultOf<T>(where: string, name: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw wrongResult(`${where}, ${name}`, { expected: `\`${name}\` to return`, got: thrown(cause, where) }, cause);
  }
}

/** That a function of a module gave what it must not. */
export function wrongResult(
  where: string,
  facts: { readonly expected: string; readonly got: string },
  cause?: unknown,
): LapidaryError {
  const hint = "Correct the module; `ModelModule` and `LossModule` say what each function gives.";
  return new LapidaryError({ code: "MODULE_RESULT", where, ...facts, hint }, { cause });
}

/** A result in a few words. */
export function kindOf(value: unknown): string {
  if (value instanceof Tensor) return `a tensor [${value.shape.join(", ")}]`;
  return value === null ? "null" : typeof value;
}

/** What was thrown, and the line of the module where that can be told. */
function thrown(cause: unknown, where: string): string {
  if (!(cause instanceof Error)) return `a throw of ${String(cause)}`;
  const line = cause.stack?.split(`${where}:`)[1]?.match(/^\d+/)?.[0];
  return `${cause.name}: ${cause.message.split("\n")[0]}${line === undefined ? "" : ` (line ${line})`}`;
}
