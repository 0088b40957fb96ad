import { describe, expect, it } from "vitest";
import { Draws } from "../random.ts";
import { worldConfig } from "../world.test.support.ts";
import { Topics } from "./topics.ts";

const CONFIG = worldConfig({ topics: { groups: 200, perGroup: 5 } });

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const moment = (x: readonly number[], y: readonly number[]): number =>
    mean(x.map((_, i) => (x[i]! - ma) * (y[i]! - mb)));
  const own = (x: readonly number[], m: number): number => mean(x.map((value) => (value - m) ** 2));
  return moment(a, b) / Math.sqrt(own(a, ma) * own(b, mb));
}

describe("trends", () => {
  it("last for weeks and then are forgotten", () => {
    const topics = new Topics(CONFIG);
    const days = Array.from({ length: 71 }, (_, day) => {
      topics.advance(day);
      return Array.from(topics.trend, Math.log);
    });
    // Whole weeks apart, so that the week's swing is the same.
    expect(correlation(days[0]!, days[7]!)).toBeGreaterThan(0.6);
    expect(correlation(days[0]!, days[70]!)).toBeLessThan(0.45);
    const values = Array.from(topics.trend);
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(1, 1);
    expect(Math.min(...values)).toBeGreaterThan(0.2);
  });
});

describe("a creative", () => {
  /** Cosine of the embeddings of two creatives. */
  function likeness(first: number, second: number, noise = 0.2): number {
    const topics = new Topics({ ...CONFIG, topics: { ...CONFIG.topics, creativeNoise: noise } });
    const draws = Draws.of(5, "items");
    const [a, b] = [first, second].map((topic) => {
      const into = new Int8Array(topics.creativeDim);
      topics.paint(into, { first: topic, second: topic, share: 1, style: [] }, draws);
      return Array.from(into);
    }) as [number[], number[]];
    const dot = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    return dot / Math.hypot(...a) / Math.hypot(...b);
  }

  it("looks like its topic, less like its group, and unlike others on average", () => {
    const over = (of: (topic: number) => number): number =>
      Array.from({ length: 100 }, (_, i) => of(5 * i)).reduce((sum, value) => sum + value, 0) / 100;
    const own = over((topic) => likeness(topic, topic));
    const near = over((topic) => likeness(topic, topic + 1));
    const far = over((topic) => likeness(topic, topic + 50));
    expect(own).toBeGreaterThan(near + 0.1);
    expect(near).toBeGreaterThan(far + 0.3);
    expect(own).toBeLessThan(0.999);
    expect(likeness(3, 3, 0)).toBeCloseTo(1, 9);
  });

  it("is logged with its true topic as often as the classifier is right", () => {
    const topics = new Topics(CONFIG);
    const draws = Draws.of(6, "items");
    const right = Array.from({ length: 20_000 }, () => topics.labelOf(3, draws)).filter((label) => label === 3);
    expect(right.length / 20_000).toBeCloseTo(CONFIG.topics.labelAccuracy, 1.8);
  });
});
