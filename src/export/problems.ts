import { LapidaryError } from "../base/errors.ts";

/** A model does something that has no form in the graph. */
export function unsupported(
  where: string,
  difference: { readonly expected: string; readonly got: string },
): LapidaryError {
  return new LapidaryError({
    code: "EXPORT_UNSUPPORTED",
    where,
    ...difference,
    hint: "Export a model of kind `vertical`, `previous`, `din` or `logistic`: their operators have a form. A foundation model teaches a vertical one, which serves (`lapidary transfer`).",
  });
}
