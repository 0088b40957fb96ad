/** A small bundle for tests; every file and name differs with its seed. */
import type { BundleContents } from "./write.ts";

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

/** Contents with a graph, a vocabulary and two dictionaries, one of them hashed. */
export function sampleContents(seed = 1, graphBytes = 2000): BundleContents {
  return {
    facts: {
      model: { name: `model-${seed}`, kind: "previous", surface: null },
      spec: {
        contextual: [{ name: "user", table: "user", cardinality: 3 }],
        candidate: [{ name: "item", table: "item", cardinality: 4 }],
        numbers: [],
        history: [{ name: "pastItem", table: "item", cardinality: 4 }],
        objectives: ["click"],
      },
      schema: { attributes: [], outcomes: [{ name: "click", kind: "flag", delayMs: 0, objective: true }] },
      events: { earliestMs: 0, latestMs: 1, timeUnit: "ms", constants: { surface: "feed" } },
      history: 16,
      graph: { file: "model.onnx", opset: 18, userRows: "request" },
      vocabularies: { item: "vocabularies/item.vocabulary" },
      dictionaries: { user: "dictionaries/user.dictionary", item: { buckets: 64 } },
      calibration: [{ scale: 1, shift: 0 }],
      lineage: { run: `run-${seed}` },
      metrics: { "click.normalizedEntropy": 0.5 + seed, "click.auc": null },
    },
    files: {
      "model.onnx": Uint8Array.from({ length: graphBytes }, (_, i) => (i * 31 + seed) % 256),
      "vocabularies/item.vocabulary": text(`vocabulary ${seed}`),
      "dictionaries/user.dictionary": text(`dictionary ${seed}`),
    },
  };
}
