import { labelCodes } from "../compare.ts";
import type { FieldFacts } from "../facts.ts";
import type { ObjectiveChoice } from "../proposal.ts";
import { hasTrait } from "../words.ts";
import type { ChosenTime } from "./times.ts";

/** Labels of a log that holds positives alone, and why negatives are to be drawn. */
export interface Positives {
  /** Flags that are always 1; none if each row is taken for a positive. */
  readonly flags: readonly FieldFacts[];
  readonly reason: string;
}

/** Name of the objective that each row is, where no field is a label. */
const EACH_ROW = "interaction";

/** What a log without negatives trains on; null if it has negatives, though too few, or no time by which items were seen. */
export function positivesOf(fields: readonly FieldFacts[], time: ChosenTime | null): Positives | null {
  const labels = fields.filter((field) => field.isFlag && hasTrait(field.name, "outcome"));
  const always = labels.filter((label) => label.missing === 0 && labelCodes(label).every((code) => code === 2));
  if (time === null || labels.length > always.length) return null;
  const names = always.map(({ name }) => `"${name}"`).join(", ");
  const all =
    always.length === 0 ? "No field is a label, so each row is taken for a positive" : `${names} is 1 in all rows`;
  return { flags: always, reason: `${all}: negatives are drawn beside them, by how often items come` };
}

/** The objective that is each row: it happens at the time of its event. */
export function eachRow({ field }: ChosenTime): ObjectiveChoice {
  const reason = "each row is one, at its own time";
  return { name: EACH_ROW, field, kind: "flag", reason, delay: "0s", isTimed: true, isMeasured: true };
}
