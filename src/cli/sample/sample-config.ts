/** The configuration that `lapidary init` writes: it reads the sample log, and its comments say what to change. */
export const SAMPLE_CONFIG: string = `import { defineProject } from "lapidary";

// The whole project. Paths start at this file. Any value can be overridden for one command:
//   lapidary ingest --set events.from=other.csv
// The same may be written in YAML or JSON; lapidary.schema.json beside this file then gives editors completion.
export default defineProject({
  events: {
    // A file or a glob, or a list of them: CSV, TSV, JSONL or Parquet.
    from: "events.csv",
    // Fields of the log. Rows with an id that was already read are dropped and counted.
    id: "event_id",
    user: "user_id",
    item: "ad_id",
    // ISO 8601 text here; also milliseconds ("ms"), seconds ("s") or microseconds ("us") since 1970.
    time: { from: "time", unit: "iso" },
    // A field, or one constant for the whole log.
    action: { value: "impression" },
    surface: "surface",
    // Values "ad" or "organic".
    origin: "origin",
    // Facts known when the item is shown: inputs of the models.
    attributes: {
      category: "category",
      price: "number",
    },
  },
  // What models predict: 0 or 1, known only some time after the event. A label that is not known yet is never read.
  objectives: {
    click: { from: "clicked", delay: "10m" },
    conversion: { from: "converted", delay: "1d" },
  },
  // Models learn from the first ten days, choices are made on the next two, and the last two are reported on.
  split: { trainUntil: "2025-03-11", validationUntil: "2025-03-13", testUntil: "2025-03-15" },
  // For all models; a model may have a \`training\` of its own. For so small a log, small batches and two passes.
  training: { globalBatchSize: 128, epochs: 2 },
  models: {
    baseRate: { kind: "baseRate" },
    logistic: { kind: "logistic" },
    previous: { kind: "previous", size: "tiny", history: 64 },
    foundation: { kind: "foundation", size: "tiny", history: 64 },
    // The small one that serves. It learns alone with \`lapidary train\`; with its teacher's knowledge, once there is
    // some (\`lapidary generate foundation --slices day\`), with \`lapidary transfer\`.
    vertical: {
      kind: "vertical",
      size: "tiny",
      history: 64,
      teacher: "foundation",
      transfer: { technique: "distill" },
    },
  },
});
`;
