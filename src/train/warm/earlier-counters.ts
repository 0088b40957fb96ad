import { isDeepStrictEqual } from "node:util";
import { LapidaryError } from "../../base/errors.ts";
import type { CounterConfig } from "../../config/counters/resolve-counters.ts";
import type { CounterFacts } from "../../features/derive-spec.ts";
import type { FeatureSpec } from "../../features/spec.ts";

/**
 * The counters of a run that another goes on from, as it has read them; undefined without any.
 *
 * @throws {LapidaryError} TRAIN_FROM if the configuration has others: their inputs would mean something else than was learned
 */
export function earlierCounters(
  { counters = [], numbers }: FeatureSpec,
  configs: Readonly<Record<string, CounterConfig>>,
): CounterFacts | undefined {
  const inputs = numbers.flatMap(({ counter, ...number }) => (counter === undefined ? [] : [{ ...number, counter }]));
  const read = counters.map(({ name, of, by, everyMs }) => {
    const lengths = inputs.flatMap(({ counter }) => (counter.name === name ? [counter.lengthMs] : []));
    return { name, of, by, everyMs, lengths: [...new Set(lengths)] };
  });
  const asked = Object.entries(configs).map(([name, { of, by, everyMs, windows }]) => {
    return { name, of, by, everyMs, lengths: windows.map(({ lengthMs }) => lengthMs) };
  });
  if (!isDeepStrictEqual(read, asked)) throw otherCounters(read, asked);
  return counters.length === 0 ? undefined : { counters, inputs };
}

interface Named {
  readonly name: string;
}

function otherCounters(read: readonly Named[], asked: readonly Named[]): LapidaryError {
  const equal = (name: string): boolean =>
    isDeepStrictEqual(
      read.find((counter) => counter.name === name),
      asked.find((counter) => counter.name === name),
    );
  const names = [...new Set([...read, ...asked].map(({ name }) => name))];
  return new LapidaryError({
    code: "TRAIN_FROM",
    where: "counters",
    expected: `those of the run: ${read.map(({ name }) => name).join(", ") || "none"}`,
    got: `others, in ${names.filter((name) => !equal(name)).join(", ") || "their order"}`,
    hint: "Give the model the counters of the run that it goes on from, or train it without --from.",
  });
}
