import { defineProject } from "lapidary";

/** Which of the published sizes: 50m, 500m, 5b. */
const SIZE = process.env["YAMBDA_SIZE"] ?? "50m";

const DAY_S = 86_400;
/** Times are seconds since the log's begin, rounded to 5; the last day is the published test day. */
const LAST_S = 26_000_000;
const TEST_S = LAST_S - DAY_S;
const VALIDATION_S = TEST_S - DAY_S;
const at = (seconds: number): string => new Date(seconds * 1000).toISOString();

/**
 * An event is whatever a person did with a track: listened, liked, disliked, took one of both back. Of these, listens are
 * predicted (`origin` says so: they are what somebody chose to play, the others what came of it), all are history.
 * An artist or album of several is the first by its number.
 */
const EVENTS = `
  SELECT uid, item_id, timestamp, event_type::VARCHAR AS event_type, track_length_seconds, played_ratio_pct,
    CASE WHEN is_organic = 1 THEN 'organic' ELSE 'recommended' END AS pathway,
    CASE WHEN event_type = 'listen' THEN (played_ratio_pct >= 50)::INTEGER END AS listen_plus,
    artist_id, album_id
  FROM 'data/flat/${SIZE}/multi_event.parquet'
  LEFT JOIN (SELECT item_id, min(artist_id) AS artist_id FROM 'data/artist_item_mapping.parquet' GROUP BY item_id)
    USING (item_id)
  LEFT JOIN (SELECT item_id, min(album_id) AS album_id FROM 'data/album_item_mapping.parquet' GROUP BY item_id)
    USING (item_id)`;

/** Yandex's log of listening to music, with the protocol of MLPerf Training's recommender benchmark: README.md. */
export default defineProject({
  about:
    `Yambda, ${SIZE} (Yandex, Apache-2.0, arXiv 2505.22238): what people listened to, liked and disliked in 300 days. ` +
    "Times are relative. The label is MLPerf Training's: whether at least half of a track was played.",
  events: {
    from: { sql: EVENTS },
    user: "uid",
    item: "item_id",
    time: { from: "timestamp", unit: "s" },
    // The log's own begin stands at 1970.
    earliest: "1970-01-01",
    action: "event_type",
    surface: "pathway",
    origin: { from: "event_type", ad: ["listen"] },
    attributes: {
      artist: { from: "artist_id", kind: "category" },
      album: { from: "album_id", kind: "category" },
      length: { from: "track_length_seconds", kind: "number" },
    },
    // As in MLPerf's histories, what came of a listen is taken to be known as soon as the same person does something else.
    outcomes: { played: { from: "played_ratio_pct", kind: "number" } },
  },
  // Of listens alone: 1 if half of the track or more was played, 0 if it was skipped before.
  objectives: { listenPlus: { from: "listen_plus" } },
  split: { trainUntil: at(VALIDATION_S), validationUntil: at(TEST_S), testUntil: at(LAST_S) },
  // In place of MLPerf's hashed crosses of user and artist, user and album, user and pathway.
  counters: {
    userArtist: { of: "listenPlus", by: ["user", "artist"] },
    userAlbum: { of: "listenPlus", by: ["user", "album"] },
    userPathway: { of: "listenPlus", by: ["user", "surface"] },
    track: { of: "listenPlus", by: ["item"] },
    artist: { of: "listenPlus", by: ["artist"] },
  },
  // Not tuned: nobody has a number to report yet.
  training: { examples: "ad", order: "time", globalBatchSize: 1024, learningRate: 1e-3, tableLearningRate: 0.05 },
  models: {
    baseRate: { kind: "baseRate" },
    counters: { kind: "counters" },
    previous: { kind: "previous", size: "small", history: 256 },
    foundation: { kind: "foundation", size: "small", history: 256, architecture: { deepHistory: 64 } },
    // MLPerf's widths: layers, width and history of its HSTU. Not for a laptop.
    hstu: {
      kind: "foundation",
      size: "xlarge",
      dim: 512,
      layers: 3,
      history: 4086,
      architecture: { attention: "hstu" },
    },
  },
  studies: {
    // Windows of a day in strict order, each scored before it is learned from, until the next one has MLPerf's quality.
    target: {
      kind: "target",
      model: "foundation",
      metric: "auc",
      target: 0.75,
      objective: "listenPlus",
      seeds: [1, 2, 3, 4, 5],
    },
  },
});
