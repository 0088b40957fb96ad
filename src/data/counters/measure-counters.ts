import type { CounterConfig } from "../../config/counters/resolve-counters.ts";
import {
  COUNTER_READINGS,
  type CounterFeature,
  type CounterPrior,
  counterInputName,
  counterPrior,
} from "../../features/counters/counter.ts";
import { countedAmount } from "../../features/counters/tiles.ts";
import type { CounterFacts } from "../../features/derive-spec.ts";
import type { Moments } from "../../features/spec.ts";
import { labelReader } from "../examples/labels.ts";
import type { EventWindow } from "../examples/split.ts";
import { WindowRows } from "../examples/window-rows.ts";
import { isLabelKnown, type PointInTime, pointInTime } from "../histories/point-in-time.ts";
import type { EventStore } from "../store/event-store.ts";
import { CounterReader } from "./counter-reader.ts";

/** Examples of which the moments are, evenly spread over a window: more would tell no other ones. */
const MEASURED_EXAMPLES = 2 ** 16;

/**
 * The counters that a model reads, with what a window tells of them: the mean outcome that they are smoothed with, and mean
 * and deviation of each of their inputs.
 *
 * @throws {LapidaryError} STORE_COLUMN, COUNTER_KEYS
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, measureCounters, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * const windows = [{ name: "all", lengthMs: null }];
 * const clicks = { of: "click", by: ["user"], windows, everyMs: 60_000 };
 * const { inputs } = measureCounters(store, windowOf(split, "train"), { clicks });
 * console.log(inputs.map(({ name }) => name)); // [ '@counter.clicks.all.shown', '@counter.clicks.all.rate' ]
 */
export function measureCounters(
  store: EventStore,
  window: EventWindow,
  configs: Readonly<Record<string, CounterConfig>>,
): CounterFacts {
  const rows = new WindowRows(store, window);
  const counters = Object.entries(configs).map(([name, { of, by, everyMs }]): CounterFeature => {
    return { name, of, by, everyMs, prior: priorOf(store, rows, { of, untilMs: window.untilMs }) };
  });
  const inputs = Object.entries(configs).flatMap(([name, { windows }]) =>
    windows.flatMap(({ name: window, lengthMs }) =>
      COUNTER_READINGS.map((reads) => {
        const counter = { name, lengthMs, reads };
        return { name: counterInputName(name, window, reads), mean: 0, deviation: 1, counter };
      }),
    ),
  );
  const moments = momentsOf(store, rows, { counters, numbers: inputs });
  return { counters, inputs: inputs.map((input, i) => ({ ...input, ...moments[i]! })) };
}

function priorOf(
  store: EventStore,
  rows: WindowRows,
  { of, untilMs }: { readonly of: string; readonly untilMs: number },
): CounterPrior {
  const column = store.column(of);
  const amountOf = labelReader(store.entry(of).kind);
  const outcome = store.manifest.schema.outcomes.find(({ name }) => name === of) ?? { delayMs: 0 };
  let [shown, sum] = [0, 0];
  for (const { user, start, end } of rows.ranges()) {
    const times = store.timesOf(start, end, user);
    const stored = column.slice(start, end);
    for (let i = 0; i < times.length; i++) {
      const amount = amountOf(stored[i]!);
      if (amount === null || !isLabelKnown(times[i]!, outcome, untilMs)) continue;
      shown++;
      sum += countedAmount(amount);
    }
  }
  return counterPrior({ shown, sum });
}

/** Mean and deviation of each input. An input without spread has deviation 1. */
function momentsOf(
  store: EventStore,
  rows: WindowRows,
  spec: Pick<CounterFacts, "counters"> & { readonly numbers: CounterFacts["inputs"] },
): readonly Moments[] {
  const size = Math.min(rows.size, MEASURED_EXAMPLES);
  const points = Array.from({ length: size }, (_, i): PointInTime => {
    return pointInTime(store, rows.rowAt(Math.floor((i * rows.size) / size)), 0);
  });
  const columns = spec.numbers.map(() => new Float64Array(size));
  new CounterReader(store, spec).read(points, store, (example, input, value) => {
    columns[input]![example] = value;
  });
  return columns.map((values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, size);
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, size);
    return { mean, deviation: squares > 0 ? Math.sqrt(squares) : 1 };
  });
}
