/**
 * Every error a user can meet, by code. `docs/errors.md` lists the same set, and a test keeps the two equal.
 * The text is what the code means, not what one occurrence says.
 */
export const ERROR_CODES = {
  USAGE: "a command line names a command, an option or an argument that there is not, or lacks one",
  FILE_SYSTEM: "the operating system refused to read or write a file",
  INIT_EXISTS: "a new project would overwrite files",
  INIT_FIELDS: "no field of a log can be what a project needs",
  CONFIG_NOT_FOUND: "no configuration file was found",
  CONFIG_UNREADABLE: "the configuration file could not be read or parsed",
  CONFIG_INVALID: "a configuration value is missing or of the wrong type or range",
  CONFIG_UNKNOWN_KEY: "a key is not part of the configuration",
  CONFIG_OVERRIDE: "a --set override could not be parsed or applied",
  TABLE_ROOM: "there is no room on the disk for a table that is to lie in a file",
  FILE_CORRUPT: "a file of lapidary's own is damaged or of another kind",
  DICTIONARY_IDS: "the ids of a dictionary are not distinct, well-formed text",
  METRIC_COLUMNS: "the columns of a metric are not of the same examples or length",
  METRIC_NON_FINITE: "a logit that a metric reads is NaN or infinite",
  METRIC_LABEL: "a label that a metric reads is neither 0 nor 1",
  METRIC_OPTION: "an option of a metric is out of its range",
  CURVE_UNREADABLE: "a line of a JSONL curve file is not a record with a step",
  MODULE_NOT_FOUND: "a module that the configuration names is not there",
  MODULE_INVALID: "a module of the project cannot be loaded, or lacks the function that it is named for",
  MODULE_RESULT: "a function of a module of the project threw, or gave what it must not",
  TORCH_UNAVAILABLE: "the native addon or libtorch could not be loaded",
  TORCH_ARGUMENT: "an operator was called with arguments that are not of its schema",
  TORCH_OPERATOR: "libtorch refused the arguments of an operator",
  TORCH_UNSUPPORTED: "libtorch has no kernel for these dtypes or this device",
  TORCH_UNKNOWN_OPERATOR: "this libtorch has no operator of that name",
  TORCH_FREED: "a tensor was used after its scope had freed it",
  TORCH_SCOPE: "scopes did not end in the reverse order of their beginning",
  TORCH_MEMORY: "memory ran out",
  SAFETENSORS_INVALID: "a safetensors file is missing, damaged, or not what the format allows",
  SAFETENSORS_WRITE: "a safetensors file could not be written",
  COLLECTIVE_FAILED: "a collective operation failed because a process is gone or did not answer in time",
  DISTRIBUTED_ENVIRONMENT: "the environment variables that place a process among the others are missing or wrong",
  PROCESS_FAILED: "a launched process ended with an error, and the others were ended with it",
  CHECKPOINT_DAMAGED: "a checkpoint is not whole, or its bytes are not those that were written",
  CHECKPOINT_MISMATCH: "a checkpoint is of another model than the one it is restored into",
  RUN_UNFINISHED: "a run has not been finished yet",
  RUN_UNKNOWN: "the project has no run of that name",
  RUN_SURFACES: "runs of different surfaces have no examples in common",
  RUN_BUSY: "another process is training the same run",
  PREDICT_EXISTS: "a prediction would overwrite a file",
  PREDICT_EMBEDDINGS: "a model makes no embedding of a user",
  PREDICT_BUNDLE: "a bundle is of another run than the one that predicts",
  RUN_CHANGED: "a run was begun with another configuration or other data",
  TRAIN_DIVERGED: "the loss or a gradient of a training step is not finite",
  TRAIN_LABELS: "no label of an objective is known in the training window",
  TRAIN_ONE_CLASS:
    "the labels of an objective are all positive, all negative or all the same amount in the training window",
  TRAIN_IDS: "no id of any table was seen often enough in the training window to have a row of its own",
  TRAIN_FROM:
    "a run cannot go on from the earlier one: there are no days since, its ids are others, or it is the run itself",
  TRAIN_WINDOW: "a window of the split has too few examples",
  TRAIN_SURFACE: "a model is for a surface that the events do not have",
  SPLIT_KIND: "something needs a split by time, and the project's is by a field, by file or random",
  SPLIT_VALUE: "a window of the split names a value or a file that no event has",
  MODEL_UNKNOWN: "the configuration has no model of that name",
  STUDY_UNKNOWN: "the configuration has no study of that name",
  STUDY_WORLD: "a study is not finished on another world, or is of other models there",
  KNOWLEDGE_NOT_FOUND: "nothing was generated with a teacher yet",
  KNOWLEDGE_DAMAGED: "a file of a teacher's knowledge is not as it was written",
  KNOWLEDGE_IN_SAMPLE: "a snapshot of a teacher was to score examples that it may have learned from",
  KNOWLEDGE_CHANGED: "a teacher's knowledge is of other events than the store's",
  TRANSFER_TEACHER: "a teacher is a model that others cannot learn from",
  TRANSFER_STUDENT: "a model that is to be taught has no backbone that more heads can read",
  EVENTS_NOT_FOUND: "a pattern of the event log matches no file",
  EVENTS_UNREADABLE: "a file of the event log cannot be read in its format",
  EVENTS_EMPTY: "the event log has no usable event",
  EVENTS_FIELD: "the event log lacks a field that the configuration names",
  EVENTS_FIELD_TYPE: "a field of the event log has a type that cannot hold what it is mapped to",
  EVENT_MISSING: "an event lacks a value that every event has",
  EVENT_ID: "an id or a category's value is not well-formed Unicode",
  EVENT_TIME: "the time of an event is none",
  EVENT_TIME_RANGE: "the time of an event is before events.earliest, or not before events.latest",
  EVENT_NUMBER: "a number of an event is none, or beyond what a float32 holds",
  EVENT_AMOUNT: "an amount of an event is negative",
  EVENT_COUNT: "a count of an event is negative or not a whole number",
  EVENT_FLAG: "a flag of an event is neither 0, 1, true nor false",
  EVENT_ORIGIN: "the origin of an event is neither organic nor ad",
  EVENT_SIZE: "an event or a text of it is longer than the limit",
  EVENT_VECTOR: "a vector of an event is not a list of numbers of the field's dimension",
  EVENT_CATEGORIES: "a list of categories is none, or too long",
  EVENT_OBJECT: "an event is not a JSON object, or has an object or a list where one value is meant",
  EVENT_KEY_REPEATED: "an event has a key twice, so that its value is not known",
  ROW_ENCODING: "a row of a text log has bytes that are no text in its encoding",
  ROW_FIELDS: "a row of a text log has more or fewer fields than the header",
  ROW_QUOTES: "a row of a text log has a quote that is misplaced or not closed",
  ROW_SIZE: "a row of a text log is too long",
  EVENTS_QUERY: "the query of the event log cannot be run",
  EVENTS_WITHOUT_HISTORIES: "histories were asked of a log that tells no users or no times",
  INGEST_BUSY: "another process is ingesting into the same store",
  INGEST_LOST_ROWS: "rows of the event log are not accounted for",
  STORE_NOT_FOUND: "there is no event store in the folder",
  STORE_VERSION: "the event store has a format of another version",
  STORE_CORRUPT: "a file of the event store is missing or damaged",
  STORE_REPLACED: "the store was ingested again while a command was reading it",
  STORE_COLUMN: "the event store has no column of that name and kind",
  COUNTER_KEYS: "a counter has more combinations of ids than numbers can tell apart",
  BUNDLE_NOT_FOUND: "there is no bundle in the folder",
  BUNDLE_DAMAGED: "a file of a bundle is missing, or its bytes are not those that were published",
  BUNDLE_UNSAFE: "a bundle has a file that its manifest does not list, or a path that leads out of it",
  BUNDLE_VERSION: "a bundle has a format of another version",
  EXPORT_UNSUPPORTED: "a model does something that has no form in an exported graph",
  EXPORT_COUNTERS: "a model reads counters of a log that tells no users, which no online store can keep",
  EXPORT_MISMATCH: "an exported graph does not score recorded examples as libtorch does",
  STORE_HASHED: "the event store kept only hashes of the ids of a category",
  AUDIT_MODEL: "a server that is audited serves another model than the run's",
  AUDIT_SERVER: "a server that is audited does not answer, or refuses",
  READER_OPTION: "an option of the batch reader is out of its range",
  ONLINE_STORE_UNAVAILABLE: "the online store did not answer, or refused",
  ONLINE_STORE_NOT_DURABLE: "a Redis server would acknowledge events before they are on its disk",
  ONLINE_STORE_VERSION: "the online store has a format of another version",
  ONLINE_STORE_COUNTERS: "a model reads counters, and the online store is of a kind that keeps none",
  ONLINE_STORE_EVENT: "an event is larger than the online store's limits, or has an id that is none",
  SERVE_MODEL: "a model's graph cannot be loaded, or scores nothing",
  SERVE_MODELS: "two models that are to be served together have one name, or take other events",
  SERVE_OVERLOADED: "more requests are waiting than the server keeps",
  SERVE_REQUEST: "a request is not what the server's API describes",
  SERVE_LIMIT: "a request is larger than the server takes",
  SERVE_NOT_FOUND: "the server has no such path or model",
  SERVE_METHOD: "a path of the server does not answer to the method",
  BENCH_UNKNOWN: "there is no benchmark of that name",
  BENCH_CASE: "a benchmark has no case of that name",
  BENCH_ABSENT: "this installation has no benchmarks",
  BENCH_PEER_UNAVAILABLE: "what a benchmark is compared with is not installed",
  BENCH_PEER_FAILED: "what a benchmark is compared with ended or refused a request",
  BENCH_MISMATCH: "a benchmark and its peer did not compute the same",
  WORLD_ABSENT: "the configuration has no world to simulate",
  WORLD_FOLDER: "the folder of a world holds something else",
  WORLD_TRUTH: "the truth of a world is missing, or is of other events than the store's",
  INTERNAL: "an invariant of lapidary itself was broken",
} as const;

/** One of the codes of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The facts of one error: what a program can act on, and what its text is derived from. */
export interface ErrorFacts {
  readonly code: ErrorCode;
  /** The place: a file and line, a configuration key, an operator. */
  readonly where: string;
  readonly expected: string;
  readonly got: string;
  /** The next thing to try. */
  readonly hint: string;
}

/** An error as data: `where: expected …, got … [CODE]`, then what to do next. The fields carry the same facts. */
export class LapidaryError extends Error implements ErrorFacts {
  override readonly name = "LapidaryError";
  readonly code: ErrorCode;
  readonly where: string;
  readonly expected: string;
  readonly got: string;
  readonly hint: string;

  constructor(facts: ErrorFacts, options?: ErrorOptions) {
    super(`${facts.where}: expected ${facts.expected}, got ${facts.got} [${facts.code}]. ${facts.hint}`, options);
    this.code = facts.code;
    this.where = facts.where;
    this.expected = facts.expected;
    this.got = facts.got;
    this.hint = facts.hint;
  }
}
