// Made from the schema by `npm run docs`: do not edit. What a key means shows where it is hovered in an editor.
import type { ModulePath } from "./module-path.ts";

/** One file describes the whole project. */
export interface UserConfig {
  /** Address of this schema, for editors. */
  $schema?: string;
  /** What a reader of the results must know of the data; reports show it. */
  about?: string;
  /** Folder of the event store. @default ".lapidary/store" */
  store?: string;
  /** Folder of the runs. @default "runs" */
  runs?: string;
  /** Folder of what teachers said of the examples. @default ".lapidary/knowledge" */
  knowledge?: string;
  /** Folder of the exported models. @default "bundles" */
  bundles?: string;
  /** How the log's fields map to events. */
  events: UserEvents;
  /** What models predict. */
  objectives: Record<string, UserObjective>;
  /** The three windows: training, validation, test. */
  split: {
    /** Training reads the events before it. */
    trainUntil: string | number;
    /** Validation reads the events from trainUntil to it. */
    validationUntil: string | number;
    /** Test reads the events from validationUntil to it. */
    testUntil: string | number;
  } | {
    /** Field of the log. */
    by: string;
    /** Values of train. */
    train: string[];
    /** Values of validation. */
    validation: string[];
    /** Values of test. */
    test: string[];
  } | {
    /** Files of each window; others are in no window. */
    files: UserFiles;
  } | {
    /** Shares; training has the rest. */
    random: UserRandom;
    /** Seed of the draw. @default 1 */
    seed?: number;
  };
  /** Draws negatives for the objectives whose labels are all positive: for a log of positives only. */
  negatives?: UserNegatives;
  /** Counts of the past that models read, by name. */
  counters?: Record<string, UserCounter>;
  /** How models are fitted. */
  training?: UserTraining;
  /** How runs are scored, validation after an epoch included. */
  evaluation?: UserEvaluation;
  /** The models by name. */
  models: Record<string, UserModel>;
  /** A synthetic world for `lapidary simulate`. */
  world?: UserWorld;
  /** Studies of `lapidary scale`. */
  studies?: Record<string, {
    /** Kind of the study. */
    kind: "scaling";
    /** Families; the first one is what the others are compared with. */
    models: string[];
    /** Sizes of all families, or those of each by its name. */
    sizes: ("tiny" | "small" | "medium" | "large" | "xlarge")[] | Record<string, ("tiny" | "small" | "medium" | "large" | "xlarge")[]>;
    /** Amounts of data that each size is trained on. @default [1] */
    data?: number[];
    /** Of which part of the training window an amount is. `newest`: its newest examples, on which ids and rates are too. `sample`: of all its days, by the hash of training.sample, that of the model times the amount. @default "newest" */
    dataFrom?: "newest" | "sample";
    /** Every model is trained once with each. @default [1,2,3] */
    seeds?: number[];
    /** Days that the models are compared on. @default "validation" */
    window?: "validation" | "test";
  } | {
    /** Kind of the study. */
    kind: "ablation";
    /** The model that is changed. */
    model: string;
    /** What is changed, by name. */
    variants: Record<string, UserVariant>;
    /** Newest share of the training window. @default 1 */
    data?: number;
    /** Every model is trained once with each. @default [1,2,3] */
    seeds?: number[];
    /** Days that the models are compared on. @default "validation" */
    window?: "validation" | "test";
  } | {
    /** Kind of the study. */
    kind: "lightweight";
    /** The ablation whose changes are tried. */
    of: string;
    /** What makes the model light. */
    light: UserLight;
    /** Newest share of the training window; that of the ablation if absent. */
    data?: number;
    /** Every model is trained once with each; those of the ablation if absent. */
    seeds?: number[];
  } | {
    /** Kind of the study. */
    kind: "target";
    /** The model that learns. */
    model: string;
    /** Length of the windows that it learns from, each before it is scored on the next. A duration such as "7d", "1h", "90s" or "0s". @default "1d" */
    every?: string;
    /** What is compared with the target. @default "normalizedEntropy" */
    metric?: "normalizedEntropy" | "auc";
    /** NE, or AUC, of the next window at which a seed is done. Absent: all windows are learned from. */
    target?: number;
    /** The objective that is compared; the mean of all if absent. */
    objective?: string;
    /** Every model is trained once with each. @default [1,2,3] */
    seeds?: number[];
  }>;
}

/** How the log's fields map to events. */
export interface UserEvents {
  /** Files of the log, relative to this configuration, or a query. */
  from: string | string[] | {
    /** A query of DuckDB; paths in it are relative to this configuration. */
    sql: string;
  };
  /** Format of the files; by default from their names. */
  format?: "parquet" | "csv" | "tsv" | "jsonl";
  /** Fields that the names of folders hold. A file's own field of the name wins. @default [] */
  partitions?: string[];
  /** What separates the fields of CSV and TSV. */
  delimiter?: string;
  /** What may enclose a field of CSV and TSV, doubled inside of it; null: none. Default: " for CSV, null for TSV. */
  quote?: string | null;
  /** What makes the next character data, the backslash of MySQL and Hive for example. Default: none. */
  escape?: string;
  /** Encoding of CSV, TSV and JSONL. @default "utf-8" */
  encoding?: "utf-8" | "latin-1" | "utf-16";
  /** Texts of CSV and TSV that stand for a missing value, besides the empty one. @default ["\\N"] */
  nulls?: string[];
  /** What stands before the decimals of numbers in CSV and TSV. @default "." */
  decimal?: "." | ",";
  /** Field of a unique event id; rows with an id already read are dropped and counted. */
  id?: string;
  /** Field of the user's id. Without it every row is a user of its own: no histories. */
  user?: string;
  /** The item that was shown: its id. A plain table may have none: then a constant. */
  item: string | {
    /** Field of the log. */
    from: string;
  } | {
    /** The constant. */
    value: string;
  };
  /** When the event happened, in milliseconds since 1970 if no unit is given. Without it all rows share one time: no histories. */
  time?: string | {
    /** Field of the time. */
    from: string;
    /** Unit since 1970 UTC, or ISO 8601 text. */
    unit: "ms" | "s" | "us" | "ns" | "iso";
  };
  /** What happened: an impression, a purchase… */
  action: string | {
    /** Field of the log. */
    from: string;
  } | {
    /** The constant. */
    value: string;
  };
  /** Where it happened: feed, stories… */
  surface: string | {
    /** Field of the log. */
    from: string;
  } | {
    /** The constant. */
    value: string;
  };
  /** Whether the item was paid for: `ad` or `organic`. Default: all organic. */
  origin?: string | {
    /** Field of the log. */
    from: string;
    /** Values of the field that mean ad. Default: all that the other list does not name. */
    ad?: (string | number | boolean)[];
    /** Values of the field that mean organic. Default: all that the other list does not name. */
    organic?: (string | number | boolean)[];
  } | {
    /** The constant. */
    value: "ad" | "organic";
  };
  /** Earlier events are rejected. @default "2000-01-01" */
  earliest?: string | number;
  /** Events at or after it are rejected. @default "2100-01-01" */
  latest?: string | number;
  /** How the ids of the items become table rows. @default "dictionary" */
  itemIds?: "dictionary" | {
    /** Number of shared rows. */
    hash: number;
  };
  /** Facts known when the item is shown. */
  attributes?: Record<string, "category" | "number" | "flag" | "categories" | {
    /** What the field holds. */
    kind: "category";
    /** Field of the log; the attribute's own name if absent. */
    from?: string;
    /** How the ids of a category become table rows. @default "dictionary" */
    ids?: "dictionary" | {
      /** Number of shared rows. */
      hash: number;
    };
    /** Whether past events are read with it. False for what is the same in all events of a user, such as a country: their histories need not say it again, and are read faster. @default true */
    history?: boolean;
  } | {
    /** What the field holds. */
    kind: "number";
    /** Field of the log; the attribute's own name if absent. */
    from?: string;
    /** Whether past events are read with it. False for what is the same in all events of a user, such as a country: their histories need not say it again, and are read faster. @default true */
    history?: boolean;
  } | {
    /** What the field holds. */
    kind: "flag";
    /** Field of the log; the attribute's own name if absent. */
    from?: string;
    /** Whether past events are read with it. False for what is the same in all events of a user, such as a country: their histories need not say it again, and are read faster. @default true */
    history?: boolean;
  } | {
    /** What the field holds. */
    kind: "vector";
    /** Field of the log; the attribute's own name if absent. */
    from?: string;
    /** Number of components. */
    dim: number;
  } | {
    /** What the field holds. */
    kind: "categories";
    /** Field of the log; the attribute's own name if absent. */
    from?: string;
    /** How the ids of a category become table rows. @default "dictionary" */
    ids?: "dictionary" | {
      /** Number of shared rows. */
      hash: number;
    };
    /** Between the ids of a list that is one text and no JSON. @default "|" */
    delimiter?: string;
  }>;
  /** Facts known later: read of past events, never an input of their own event. */
  outcomes?: Record<string, UserOutcome>;
}

/** One fact known only some time after the event. */
export interface UserOutcome {
  /** Field of the log; the outcome's own name if absent. */
  from?: string;
  /** `category`: an id or a word. `number`: a float. `flag`: 0 or 1. */
  kind?: "category" | "number" | "flag";
  /** Time from the event until this is known. A duration such as "7d", "1h", "90s" or "0s". @default "0s" */
  delay?: string;
  /** Field of the event's row that holds when it happened, empty if it did not. */
  at?: string;
  /** Files of a log of its own, relative to this configuration, or a query. */
  log?: string | string[] | {
    /** A query of DuckDB; paths in it are relative to this configuration. */
    sql: string;
  };
  /** Fields that the names of folders hold. A file's own field of the name wins. @default [] */
  partitions?: string[];
  /** Field of that log that holds the event's id. */
  id?: string;
  /** Field of that log that holds the user's id, where it names no event. */
  user?: string;
  /** Field of that log that holds the item's id: only events of the item are looked at. */
  item?: string;
  /** With `user`: the event within the window that the outcome is of. A click is an event whose outcome `click` is 1. */
  attribution?: "lastClick" | "firstClick" | "lastView" | "firstView";
  /** Field of that log that holds when it happened; in the unit of events.time if none is given. */
  time?: string | {
    /** Field of the time. */
    from: string;
    /** Unit since 1970 UTC, or ISO 8601 text. */
    unit: "ms" | "s" | "us" | "ns" | "iso";
  };
  /** With `at` or `log`: time from the event within which it counts. A duration such as "7d", "1h", "90s" or "0s". */
  window?: string;
  /** Field of that log whose sum is kept beside it, as the number outcome `<name>Value`. */
  value?: string;
  /** Keep how many there were, as the number outcome `<name>Count`. */
  count?: boolean;
}

/** One outcome that models predict. */
export interface UserObjective {
  /** Field of the log, 0 or 1, an amount or a count; the objective's own name if absent. */
  from?: string;
  /** `binary`: whether it happened. `value`: an amount that is not negative. `count`: how often it happened. With `log`, `value` is the sum of the field that its `value` names, and `count` how many there were. @default "binary" */
  kind?: "binary" | "value" | "count";
  /** Time from the event until this is known. A duration such as "7d", "1h", "90s" or "0s". @default "0s" */
  delay?: string;
  /** Field of the event's row that holds when it happened, empty if it did not. */
  at?: string;
  /** Files of a log of its own, relative to this configuration, or a query. */
  log?: string | string[] | {
    /** A query of DuckDB; paths in it are relative to this configuration. */
    sql: string;
  };
  /** Fields that the names of folders hold. A file's own field of the name wins. @default [] */
  partitions?: string[];
  /** Field of that log that holds the event's id. */
  id?: string;
  /** Field of that log that holds the user's id, where it names no event. */
  user?: string;
  /** Field of that log that holds the item's id: only events of the item are looked at. */
  item?: string;
  /** With `user`: the event within the window that the outcome is of. A click is an event whose outcome `click` is 1. */
  attribution?: "lastClick" | "firstClick" | "lastView" | "firstView";
  /** Field of that log that holds when it happened; in the unit of events.time if none is given. */
  time?: string | {
    /** Field of the time. */
    from: string;
    /** Unit since 1970 UTC, or ISO 8601 text. */
    unit: "ms" | "s" | "us" | "ns" | "iso";
  };
  /** With `at` or `log`: time from the event within which it counts. A duration such as "7d", "1h", "90s" or "0s". */
  window?: string;
  /** Field of that log whose sum is kept beside it, as the number outcome `<name>Value`. */
  value?: string;
  /** Keep how many there were, as the number outcome `<name>Count`. */
  count?: boolean;
  /** A loss of your own, in place of the negative log likelihood: a module that exports `loss(outputs, labels)`, relative to this file. A module such as "./my-model.ts". */
  loss?: ModulePath;
  /** Objective of which this is the same event within a shorter time. */
  windowOf?: string;
}

/** Files of each window; others are in no window. */
export interface UserFiles {
  /** Files of train, among those of events.from. */
  train: string | string[];
  /** Files of validation, among those of events.from. */
  validation: string | string[];
  /** Files of test, among those of events.from. */
  test: string | string[];
}

/** Shares; training has the rest. */
export interface UserRandom {
  /** Share of the users of validation. */
  validation: number;
  /** Share of the users of test. */
  test: number;
}

/** Draws negatives for the objectives whose labels are all positive: for a log of positives only. */
export interface UserNegatives {
  /** Candidates drawn beside each positive. @default 4 */
  perPositive?: number;
  /** Where training draws them from; evaluation draws uniformly, whatever it is. `popular`: by the number of their events before the example. `uniform`: every item seen by then alike. `inBatch`: the other positives of the batch. The logit is corrected for it. @default "popular" */
  from?: "popular" | "uniform" | "inBatch";
  /** Of `popular`: how long before an example events count. Default: all before it. A duration such as "7d", "1h" or "90s". */
  window?: string;
}

/** How often something happened to past events that have something in common with a candidate, as of its time. */
export interface UserCounter {
  /** The outcome or objective that is counted: yes or no, a number, an amount, or a count. */
  of: string;
  /** What past events must have in common with the candidate and its request. */
  by: string[];
  /** How far back it counts, each an input of its own. @default ["1d","7d","all"] */
  windows?: string[];
  /** How often the counts are renewed: what has become known since the last time does not count yet. A duration such as "7d", "1h", "90s" or "0s". @default "15m" */
  every?: string;
}

/** How models are fitted. */
export interface UserTraining {
  /** Seed of all randomness. @default 1 */
  seed?: number;
  /** Passes over the training window. @default 1 */
  epochs?: number;
  /** Examples per step, over all processes. @default 512 */
  globalBatchSize?: number;
  /** Peak learning rate of the dense parameters (AdamW), as size `small` is to have it; other widths follow. @default 0.001 */
  learningRate?: number;
  /** Learning rate of the tables (row-wise Adagrad). @default 0.05 */
  tableLearningRate?: number;
  /** AdamW's decay. @default 0 */
  weightDecay?: number;
  /** λ of `λ/2 ‖row‖²` in the loss, of each row of a table that a batch reads, once. @default 0 */
  tableL2?: number;
  /** Share of the activations that training drops, others scaled up: tokens of features and of past events. @default 0 */
  embeddingDropout?: number;
  /** Share of the activations that training drops, others scaled up: hidden layers of MLPs. @default 0 */
  mlpDropout?: number;
  /** Share of the activations that training drops, others scaled up: results of attention. @default 0 */
  attentionDropout?: number;
  /** Share of the steps over which the learning rate rises from 0. @default 0.1 */
  warmupRatio?: number;
  /** Share of the steps, the last ones, over which it falls to 0. @default 0 */
  decayRatio?: number;
  /** Global norm above which gradients are scaled down. @default 1 */
  clipNorm?: number;
  /** Optimizer steps between two validations, beside those at the ends of passes. */
  validateEverySteps?: number;
  /** Validations in a row without a better one after which training stops; never if absent. */
  patience?: number;
  /** Optimizer steps between two checkpoints. @default 200 */
  checkpointEverySteps?: number;
  /** Torch threads per process; 0 = all cores. @default 0 */
  threads?: number;
  /** `shuffled`: anew in every pass. `days`: day after day, shuffled within each. `time`: as the examples happened. Which is best depends on the log: try them on the validation days. @default "shuffled" */
  order?: "shuffled" | "days" | "time";
  /** Examples that it learns from, by origin, events without one counting as organic; it scores all. @default "all" */
  examples?: "all" | "ad" | "organic";
  /** Share of the examples of the training window that it learns from; a hash of each decides, whatever the seed. Histories stay whole. @default 1 */
  sample?: number;
  /** What a nat of an objective counts in the loss, by its name; 1 for those that are not named. @default {} */
  objectiveWeights?: Record<string, number>;
  /** Numbers that linear maps multiply; sums, parameters and what the optimizer remembers are float32 either way. @default "float32" */
  precision?: "float32" | "bfloat16";
  /** How activations are kept for the backward pass; float8 takes a quarter of the memory. @default "float32" */
  activations?: "float32" | "float8";
  /** Parts of the model, by their path of fields, to which neither precision nor activations applies. @default ["heads","output"] */
  fullPrecision?: string[];
}

/** How runs are scored, validation after an epoch included. */
export interface UserEvaluation {
  /** Share of the examples of a window that runs are scored on; a hash of each decides. Histories stay whole. @default 1 */
  sample?: number;
}

/** One model. */
export interface UserModel {
  /** Family of the model, or a module that exports `init` of a model of your own. */
  kind: "baseRate" | "logistic" | "counters" | "previous" | "foundation" | "vertical" | "din" | "sasrec" | "hstu" | "wukong" | "mmoe" | "ple" | "star" | ModulePath;
  /** The dial from which sizes that are not given are derived. @default "small" */
  size?: "tiny" | "small" | "medium" | "large" | "xlarge";
  /** Newest events of the history that the model reads. @default 128 */
  history?: number;
  /** Embedding dimension D, even. */
  dim?: number;
  /** Number of layers; a foundation model may have none. */
  layers?: number;
  /** How table rows are kept: in training, checkpoints and bundles. Narrow ones round stochastically. @default "float32" */
  tableRows?: "float32" | "bfloat16" | "float16" | "int8";
  /** Where tables are while the model works; as a file in the run's folder one may exceed memory. @default "memory" */
  tableStorage?: "memory" | "file";
  /** Ids seen fewer times in training share one row. @default 2 */
  minCount?: number;
  /** The one surface whose examples it learns from and scores; all if absent. Histories hold all surfaces. */
  surface?: string;
  /** What the model predicts; all objectives if absent. */
  objectives?: string[];
  /** Counters that it reads; all if absent, none if empty. */
  counters?: string[];
  /** Model that it learns from, of a kind that reads histories. That one may have a teacher too. */
  teacher?: string;
  /** How a model learns from its teacher. */
  transfer?: UserTransfer;
  /** What a foundation model is made of. */
  architecture?: UserArchitecture;
  /** What a model of your own is made with besides: handed to its `init`. */
  options?: Record<string, unknown>;
  /** How models are fitted. */
  training?: UserTraining;
}

/** How a model learns from its teacher. */
export interface UserTransfer {
  /** What is taken from the teacher. `distill`: labels and teacher on one head. `auxiliary`: the teacher on a head of its own. `adapter`: that, and a teacher corrected by fresh labels on a third head. `representations`: the user's past embeddings as one more input. `full`: `adapter` and `representations`. @default "none" */
  technique?: "none" | "distill" | "auxiliary" | "adapter" | "representations" | "full";
  /** α: the distillation head learns min(1, α · prediction). @default 1 */
  labelScale?: number;
  /** β: factor of the distillation heads' gradient into the backbone. @default 1 */
  gradientScale?: number;
  /** w: factor of the auxiliary head's loss. @default 1 */
  lossWeight?: number;
}

/** What a foundation model is made of. */
export interface UserArchitecture {
  /** What mixes the features: Wukong, or the cross network of DCNv2. @default "wukong" */
  interaction?: "wukong" | "dcn";
  /** Interaction archs side by side in every layer, mixed by a gate; 1: no mixture. @default 1 */
  experts?: number;
  /** Whether a layer's tokens attend to those of all layers before it. @default false */
  layerConnections?: boolean;
  /** Tokens that each block makes, layer by layer; the last holds for the layers after it. */
  tokens?: number[];
  /** How the events of a history see each other. `full`: every event every other. `causal`: the earlier ones. `block`: those of the own block of 64. `semiLocal`: the 64 before, and the first rows. `hstu`: the earlier ones, without softmax. @default "full" */
  attention?: "full" | "causal" | "block" | "semiLocal" | "hstu";
  /** Whether queries and keys are normalized before their products. @default false */
  queryKeyNorm?: boolean;
  /** So many neighbouring events become one after every layer; 1: the whole sequence is kept. @default 1 */
  pyramid?: number;
  /** Newest events that the layers after the first read, the candidate's attention reading all. */
  deepHistory?: number;
  /** Whether layers exchange summaries; else the two archs meet at the end only. @default true */
  interleaved?: boolean;
  /** What the summary of a history is put together from: CLS tokens, attention pooling, the newest events. @default ["cls","pooled","recent"] */
  summary?: ("cls" | "pooled" | "recent")[];
  /** Gates of the summaries: `scaled` is σ(MLP(x)) ⊙ x, `squashed` the paper's own σ(x ⊙ MLP(x)). @default "scaled" */
  gates?: "scaled" | "squashed" | "none";
  /** Whether the candidate attends to the history at the end. @default true */
  candidateAttention?: boolean;
  /** Whether it attends by its vectors as well: what did the user do with what looked like it? @default true */
  vectorAttention?: boolean;
  /** Hidden layers of the task heads. `specific`: each objective has its own. `shared`: one, as wide as theirs together: what few positives of one objective tell is learned from the others too. @default "specific" */
  objectives?: "specific" | "shared";
  /** Whether the heads read the product of every pair of the features' tokens, as DLRM's do: what two features say together, whatever else is said beside it. @default false */
  pairs?: boolean;
  /** What surfaces have of their own. `shared`: nothing. `specific`: gates of the features, feed-forward with its norm, and task heads. `experts`: task heads that mix shared experts with the surface's own. @default "specific" */
  domains?: "shared" | "specific" | "experts";
  /** One history of all events, or one of the organic events and one of the ads. @default "one" */
  streams?: "one" | "origin";
  /** Which events a history holds. @default "all" */
  events?: "all" | "ad" | "organic";
}

/** A synthetic world for `lapidary simulate`. */
export interface UserWorld {
  /** Folder of the world: its log in log/, its truth in truth/. @default "world" */
  folder?: string;
  /** One seed gives one world. @default 1 */
  seed?: number;
  /** Number of people. @default 3000 */
  users?: number;
  /** First day of the log (UTC). A date such as "2026-01-05". @default "2026-01-05" */
  firstDay?: string;
  /** Days of the log. @default 28 */
  days?: number;
  /** People. */
  people?: UserPeople;
  /** What people shop for: an intent appears, lasts days, and ends in a purchase or is given up. */
  intents?: UserIntents;
  /** The topics that people like and items are about, as a tree of two levels. */
  topics?: UserTopics;
  /** The ads. */
  ads?: UserAds;
  /** The posts. */
  posts?: UserPosts;
  /** Traits of people and items, as a log's many categories, and how they go together. */
  traits?: UserTraits;
  /** The logging policy: popularity and affinity as it has counted them itself, noise, and exploration. */
  policy?: UserPolicy;
  /** Conversions, which come late. */
  conversion?: UserConversion;
  /** How the base rates of the surfaces drift, each by itself: what a model of last week gets wrong. */
  drift?: UserDrift;
  /** The surfaces by name; feed, stories and messaging if absent. */
  surfaces?: Record<string, UserSurface>;
}

/** People. */
export interface UserPeople {
  /** Mean sessions of a person and day. Real apps are opened 2 to 10 times. @default 3 */
  sessionsPerDay?: number;
  /** Deviation of the log of a person's sessions per day. At 0.8 the busiest tenth makes a third of the traffic. @default 0.8 */
  activitySpread?: number;
  /** Long-term interests of a person, in topics: a handful of many. @default 6 */
  interests?: number;
  /** Strength of each interest ÷ that of the one before. Below 1 the last ones show only in a long history. @default 0.7 */
  interestRatio?: number;
  /** What an interest that were a person's only one adds to the response to its very topic, which is 0.3 without any. Where topics are many, few of the things shown fit: each counts for more then. @default 10 */
  interestStrength?: number;
  /** Share of a person's further interests that are in the group of an earlier one: who runs, hikes. @default 0.5 */
  interestCloseness?: number;
  /** Interests that come and go. @default 2 */
  passingInterests?: number;
  /** Mean life of a passing interest: a trip, a series, a season. @default 10 */
  passingDays?: number;
  /** Deviation of the log of how readily people click and like: some never do. @default 0.6 */
  propensitySpread?: number;
  /** Deviation of the log of how engaged one session is: what the session's first events say of the next. @default 0.4 */
  moodSpread?: number;
  /** Deviation of the log of how a person takes an item's style: a fixed random net of the two, so no product of vectors gives it. Above 0, the last 8 numbers of a creative are its style. @default 0 */
  tasteSpread?: number;
  /** Loss of response per thing just seen of the same group of topics. @default 0.3 */
  satiation?: number;
  /** Time in which satiation falls to 1/e: about a break. @default 60 */
  satiationMinutes?: number;
}

/** What people shop for: an intent appears, lasts days, and ends in a purchase or is given up. */
export interface UserIntents {
  /** Things that a person begins to shop for in 30 days. @default 4 */
  perMonth?: number;
  /** Mean time of looking around, if nothing speeds it up. @default 3 */
  exploringDays?: number;
  /** Mean time of comparing offers before buying elsewhere. @default 3 */
  comparingDays?: number;
  /** Time after a purchase in which its topic is of little interest. @default 8 */
  boughtDays?: number;
  /** Whether people buy something again and again, as coffee and contact lenses are bought. @default true */
  needs?: boolean;
  /** Shortest period of a need; the longest is 2.5 times that. Only a history of several periods shows it. @default 10 */
  needDays?: number;
}

/** The topics that people like and items are about, as a tree of two levels. */
export interface UserTopics {
  /** Groups of topics, such as sports. @default 8 */
  groups?: number;
  /** Topics of each group, such as running. @default 5 */
  perGroup?: number;
  /** Deviation of the log of a topic's popularity over time. @default 0.25 */
  trendSpread?: number;
  /** Time in which a trend falls to 1/e: weeks. @default 14 */
  trendDays?: number;
  /** Share of items whose logged topic is their true one: content classifiers are about that good. @default 0.9 */
  labelAccuracy?: number;
  /** Deviation of a creative's embedding around the image of its topics, whose length is 1. @default 0.5 */
  creativeNoise?: number;
  /** Numbers of a creative's embedding. Up to 8 are a column each in the log, creative_0 and so on; more are one list, creative. @default 8 */
  creativeDim?: number;
}

/** The ads. */
export interface UserAds {
  /** New ads of each day. @default 40 */
  perDay?: number;
  /** Mean life of ads: campaigns run for a week, posts for a day. @default 8 */
  lifeDays?: number;
  /** Number of advertisers; the n-th is n^(−0.8) times as active as the first. @default 80 */
  makers?: number;
  /** Deviation of the log of how good they are. @default 0.5 */
  qualitySpread?: number;
  /** Deviation of the log of how good all ads of one of the advertisers are, beside their own: what is new is then partly known. @default 0 */
  skillSpread?: number;
}

/** The posts. */
export interface UserPosts {
  /** New posts of each day. @default 400 */
  perDay?: number;
  /** Mean life of posts: campaigns run for a week, posts for a day. @default 1.5 */
  lifeDays?: number;
  /** Number of creators; the n-th is n^(−0.8) times as active as the first. @default 600 */
  makers?: number;
  /** Deviation of the log of how good they are. @default 0.7 */
  qualitySpread?: number;
  /** Deviation of the log of how good all posts of one of the creators are, beside their own: what is new is then partly known. @default 0 */
  skillSpread?: number;
}

/** Traits of people and items, as a log's many categories, and how they go together. */
export interface UserTraits {
  /** Traits that the log tells of each person, such as occupation and household. @default 0 */
  ofPeople?: number;
  /** Traits that the log tells of each item, such as tone and price band; half are its maker's. @default 0 */
  ofItems?: number;
  /** Values of each trait; the n-th is n^(−0.8) times as frequent as the first. @default 16 */
  values?: number;
  /** Deviation of the log of how a person's traits and an item's go together: a table of random numbers for each pair of traits, which only many examples tell. @default 0 */
  spread?: number;
}

/** The logging policy: popularity and affinity as it has counted them itself, noise, and exploration. */
export interface UserPolicy {
  /** Items that the logging policy chooses one from, for each place. @default 8 */
  candidates?: number;
  /** Share of the places that are given to a candidate at random, as in any log. @default 0.1 */
  exploration?: number;
  /** n: the policy's scores are off by factors from 1 − n to 1: it is no oracle. @default 0.5 */
  noise?: number;
}

/** Conversions, which come late. */
export interface UserConversion {
  /** Conversions later than this after the impression are not attributed to it. A duration such as "3d". @default "3d" */
  window?: string;
  /** Median time from a click to its conversion: most come within a day. @default 5 */
  delayHours?: number;
  /** Deviation of the log of that time: the last come after days. @default 1.3 */
  delaySpread?: number;
  /** Whether each is an event of its own too, at its own time, in a log of its own: conversions/. @default false */
  log?: boolean;
}

/** How the base rates of the surfaces drift, each by itself: what a model of last week gets wrong. */
export interface UserDrift {
  /** Deviation of the log of a surface's rate of clicks and likes over time. @default 0 */
  spread?: number;
  /** Time in which a deviation falls to 1/e. @default 5 */
  days?: number;
}

/** One surface; what is absent is as on the surface of that name, or on feed. */
export interface UserSurface {
  /** Its part of the sessions, in any unit. */
  traffic?: number;
  /** Mean impressions of a session. */
  sessionLength?: number;
  /** Share of ads behind a post: one in 4 to 8 places. */
  adLoad?: number;
  /** Share of first places that are looked at. */
  viewRate?: number;
  /** d: the place p is looked at 1 / (1 + d·p) as often. */
  positionDecay?: number;
  /** Hazard of a click on an ordinary ad that is looked at. */
  clickRate?: number;
  /** Hazard of a conversion after a click of an ordinary person. */
  conversionRate?: number;
  /** Hazard of a like of an ordinary post that is looked at. */
  likeRate?: number;
  /** How much interests matter there: the power of their factor. */
  interestPower?: number;
  /** How each format does there. */
  formats?: UserFormats;
}

/** How each format does there. */
export interface UserFormats {
  /** Factor of the response. */
  text?: number;
  /** Factor of the response. */
  image?: number;
  /** Factor of the response. */
  video?: number;
  /** Factor of the response. */
  carousel?: number;
}

/** What is changed of the model. */
export interface UserVariant {
  /** The dial from which sizes that are not given are derived. @default "small" */
  size?: "tiny" | "small" | "medium" | "large" | "xlarge";
  /** Newest events of the history that the model reads. @default 128 */
  history?: number;
  /** Embedding dimension D, even. */
  dim?: number;
  /** Number of layers; a foundation model may have none. */
  layers?: number;
  /** Ids seen fewer times in training share one row. @default 2 */
  minCount?: number;
  /** What a foundation model is made of. */
  architecture?: UserArchitecture;
  /** How the variant is fitted. */
  training?: UserVariantTraining;
  /** Whether every surface has a model of its own. @default false */
  apart?: boolean;
}

/** How the variant is fitted. */
export interface UserVariantTraining {
  /** Examples per step, over all processes. @default 512 */
  globalBatchSize?: number;
  /** Peak learning rate of the dense parameters (AdamW), as size `small` is to have it; other widths follow. @default 0.001 */
  learningRate?: number;
  /** Learning rate of the tables (row-wise Adagrad). @default 0.05 */
  tableLearningRate?: number;
  /** AdamW's decay. @default 0 */
  weightDecay?: number;
  /** λ of `λ/2 ‖row‖²` in the loss, of each row of a table that a batch reads, once. @default 0 */
  tableL2?: number;
  /** Share of the activations that training drops, others scaled up: tokens of features and of past events. @default 0 */
  embeddingDropout?: number;
  /** Share of the activations that training drops, others scaled up: hidden layers of MLPs. @default 0 */
  mlpDropout?: number;
  /** Share of the activations that training drops, others scaled up: results of attention. @default 0 */
  attentionDropout?: number;
  /** Share of the steps over which the learning rate rises from 0. @default 0.1 */
  warmupRatio?: number;
  /** Share of the steps, the last ones, over which it falls to 0. @default 0 */
  decayRatio?: number;
  /** Global norm above which gradients are scaled down. @default 1 */
  clipNorm?: number;
  /** Optimizer steps between two validations, beside those at the ends of passes. */
  validateEverySteps?: number;
  /** Validations in a row without a better one after which training stops; never if absent. */
  patience?: number;
  /** Optimizer steps between two checkpoints. @default 200 */
  checkpointEverySteps?: number;
  /** Examples that it learns from, by origin, events without one counting as organic; it scores all. @default "all" */
  examples?: "all" | "ad" | "organic";
  /** Share of the examples of the training window that it learns from; a hash of each decides, whatever the seed. Histories stay whole. @default 1 */
  sample?: number;
  /** What a nat of an objective counts in the loss, by its name; 1 for those that are not named. @default {} */
  objectiveWeights?: Record<string, number>;
  /** Numbers that linear maps multiply; sums, parameters and what the optimizer remembers are float32 either way. @default "float32" */
  precision?: "float32" | "bfloat16";
  /** How activations are kept for the backward pass; float8 takes a quarter of the memory. @default "float32" */
  activations?: "float32" | "float8";
  /** Parts of the model, by their path of fields, to which neither precision nor activations applies. @default ["heads","output"] */
  fullPrecision?: string[];
}

/** What makes the model light. */
export interface UserLight {
  /** The dial from which sizes that are not given are derived. @default "small" */
  size?: "tiny" | "small" | "medium" | "large" | "xlarge";
  /** Newest events of the history that the model reads. @default 128 */
  history?: number;
  /** Embedding dimension D, even. */
  dim?: number;
  /** Number of layers; a foundation model may have none. */
  layers?: number;
}
