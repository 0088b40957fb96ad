import { AGE, codeHistory } from "../../features/coding.ts";
import type { CategoryFeature, CodeColumns } from "../../features/spec.ts";
import type { StoreCoding } from "../store/store-coding.ts";
import { agesOf, type PointInTime } from "./point-in-time.ts";

/** Cuts the histories of a batch's examples out of a store and codes them. */
export interface Histories {
  /**
   * The codes of each feature, history after history as the offsets say.
   *
   * @shape points [B], offsets [B+1] → each [L]
   */
  codes(points: readonly PointInTime[], offsets: Int32Array): CodeColumns;
}

/** Opens the histories of a store for some features. */
export type OpenHistories = new (coding: StoreCoding, features: readonly CategoryFeature[]) => Histories;

/** Histories event by event, with the coders that serving uses: what all others must equal. */
export class PlainHistories implements Histories {
  readonly #coding: StoreCoding;
  readonly #features: readonly CategoryFeature[];

  constructor(coding: StoreCoding, features: readonly CategoryFeature[]) {
    this.#coding = coding;
    this.#features = features;
  }

  codes(points: readonly PointInTime[], offsets: Int32Array): CodeColumns {
    const ages = points.map((point) => agesOf(this.#coding.store, point));
    const columns = this.#features.map((feature) => [feature.name, this.#column(feature, { points, ages, offsets })]);
    return Object.fromEntries(columns);
  }

  #column(feature: CategoryFeature, { points, ages, offsets }: AgedPoints): Int32Array {
    const codes = new Int32Array(offsets.at(-1) ?? 0);
    const code = this.#coding.coder(feature);
    const delayMs = this.#coding.delayMs(feature.name);
    const known = this.#coding.knownTimes(feature.name);
    const column = feature.name === AGE ? null : this.#coding.store.column(feature.name);
    for (const [i, { start, end, momentMs }] of points.entries()) {
      const target = codes.subarray(offsets[i], offsets[i + 1]);
      const agesMs = ages[i]!;
      const values = column?.slice(start, end) ?? agesMs;
      codeHistory(target, { values, code, timeMs: momentMs, agesMs, delays: known?.slice(start, end) ?? delayMs });
    }
    return codes;
  }
}

interface AgedPoints {
  readonly points: readonly PointInTime[];
  readonly ages: readonly Float64Array[];
  readonly offsets: Int32Array;
}
