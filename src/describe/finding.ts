/** What a look at the events can find suspicious, by code: what the finding means, and what to do. */
export const FINDINGS = {
  LABEL_UNKNOWN: {
    severity: "error",
    meaning: "no label is known by the end of the log",
    action: "Shorten the delay of the objective, or ingest more days.",
  },
  LABEL_CONSTANT: {
    severity: "error",
    meaning: "the label never varies",
    action:
      "Map another field, or add the events that lack: a model cannot learn from one answer. Of a log of positives, have `negatives` drawn.",
  },
  LABEL_TOLD: {
    severity: "error",
    meaning: "a field tells the label",
    action: "If it is not known when the item is shown, map it under outcomes, or leave it out.",
  },
  OUTCOME_COPIED: {
    severity: "error",
    meaning: "an attribute is an outcome's copy",
    action: "Remove the attribute: it is known only when the outcome is.",
  },
  WINDOW_EMPTY: {
    severity: "error",
    meaning: "a window of the split has no events",
    action: "Correct the split: its dates must lie in the time of the log, its values be those of the field.",
  },
  TIME_ONE_INSTANT: {
    severity: "error",
    meaning: "all events have one time",
    action:
      "Map a field that tells events apart in time. If there is none, leave out events.time and split by a field, by file or at random: there are no histories then.",
  },
  TIME_UNIT: {
    severity: "error",
    meaning: "the times can hardly be meant",
    action: "Check events.time.unit: seconds read as milliseconds lie in January 1970.",
  },
  USER_CONSTANT: {
    severity: "error",
    meaning: "all events are of one user",
    action: "Map the field that tells users apart. If the log is of one user, a model learns nothing of others.",
  },
  ITEM_CONSTANT: {
    severity: "error",
    meaning: "all events are of one item",
    action: "Map the field that tells items apart. If the log is of one item, a model cannot rank.",
  },
  USER_PER_ROW: {
    severity: "error",
    meaning: "nearly every event has a user of its own",
    action: "Map the user's id, not the event's or the request's: otherwise there are no histories.",
  },
  ITEM_PER_ROW: {
    severity: "warning",
    meaning: "nearly every event has an item of its own",
    action: "Map the item's id, not the event's or the request's.",
  },
  LABEL_NEARLY_TOLD: {
    severity: "warning",
    meaning: "a field explains the label better than one that is known beforehand should",
    action: "Check that it is known when the item is shown; if not, map it under outcomes.",
  },
  LABEL_TOLD_BY_VALUE: {
    severity: "warning",
    meaning: "with one value of a field the label is always the same",
    action: "Check that the value is known when the item is shown, and that such events can have the label.",
  },
  LABEL_NEVER_ON_SURFACE: {
    severity: "warning",
    meaning: "the label is never positive on a surface",
    action: "Check that this surface reports the outcome; if it cannot, its zeros are missing values.",
  },
  LABEL_RATE_JUMPS: {
    severity: "warning",
    meaning: "the rate of the label jumps between windows",
    action: "Look at the rates by day: was the logging or the traffic changed? Begin the log after it.",
  },
  LABEL_RATE_FALLS_AT_END: {
    severity: "warning",
    meaning: "the rate of the label falls on the last days",
    action: "Its outcomes had probably not arrived when the log was cut: set a longer delay, or leave these days out.",
  },
  ID_DOMINATES: {
    severity: "warning",
    meaning: "one id has a large share of the events",
    action: "Check whether it stands for many (a crawler, a default, not logged in), and leave its rows out.",
  },
  ID_PLACEHOLDER: {
    severity: "warning",
    meaning: "an id stands for a missing one",
    action: "Write it as missing, or leave its rows out: all of them share one history.",
  },
  WINDOW_NEW_ITEMS: {
    severity: "warning",
    meaning: "a window shares hardly any items with training",
    action: "Check that the ids are the same over time; if items are always new, models must live on attributes.",
  },
  WINDOW_NEW_USERS: {
    severity: "warning",
    meaning: "a window shares hardly any users with training",
    action: "Check that the ids are the same over time; if users are always new, there is no history to read.",
  },
  TIME_MIDNIGHT: {
    severity: "warning",
    meaning: "times have a day and no time of day",
    action: "Map a field with the time of day: events of one day are not in each other's history.",
  },
  TIME_TIES: {
    severity: "warning",
    meaning: "many events share their time with another one of the same user",
    action: "Map a finer time: events of one instant are not in each other's history.",
  },
  ROWS_REJECTED: {
    severity: "warning",
    meaning: "rows of the log were rejected",
    action: "Read their reasons in the dead-letter file. Times outside a range are often of another unit.",
  },
  ROWS_REPEATED: {
    severity: "warning",
    meaning: "events are equal to others in every column",
    action: "Map the event's id under events.id, so that a row that is read twice counts once.",
  },
  FIELD_MISSING: {
    severity: "warning",
    meaning: "a field never has a value",
    action: "Correct its mapping, or remove it.",
  },
  NUMBER_LOOKS_LIKE_ID: {
    severity: "warning",
    meaning: "a number looks like an id",
    action: 'Map it as kind "category": the order and size of ids say nothing.',
  },
  NUMBER_LOOKS_LIKE_TIME: {
    severity: "warning",
    meaning: "a number looks like a time",
    action: "Leave it out: it grows for ever, so that a model never sees the values of tomorrow.",
  },
  CATEGORY_LOOKS_LIKE_NUMBER: {
    severity: "warning",
    meaning: "the values of a category look like numbers",
    action: 'Map it as kind "number", unless they are codes.',
  },
  CATEGORY_PER_ROW: {
    severity: "warning",
    meaning: "nearly every event has a value of its own",
    action: "Leave it out: what never comes back teaches nothing.",
  },
  VECTOR_COMPONENT_LARGE: {
    severity: "warning",
    meaning: "one component of a vector outweighs all others",
    action: "Check that the vector is what it should be: an id, a time or a count does not belong into it.",
  },
  VECTOR_ZERO: {
    severity: "warning",
    meaning: "vectors of zeros stand for missing ones",
    action: "Write them as missing: zeros are a vector as any other.",
  },
  VECTOR_SHARED: {
    severity: "warning",
    meaning: "one vector stands for many events of several items",
    action: "Check whether it is a default, and write it as missing if so.",
  },
  LIST_NOT_SPLIT: {
    severity: "warning",
    meaning: "lists were not split into their ids",
    action: "Set the `delimiter` of the attribute to what stands between the ids.",
  },
  OUTCOME_LATE: {
    severity: "warning",
    meaning: "many outcomes come after their window",
    action: "Widen the `window`, if they are to count.",
  },
  VECTOR_COMPONENT_CONSTANT: {
    severity: "note",
    meaning: "components of a vector are the same in all events",
    action: "Leave them out: they tell nothing.",
  },
  ROWS_DUPLICATED: {
    severity: "note",
    meaning: "rows had an id that was already read",
    action: "They were dropped. Check that events.id is the event's id and no other.",
  },
  EVENTS_OUTSIDE_SPLIT: {
    severity: "note",
    meaning: "events lie in no window of the split",
    action: "No model learns from them or is measured on them: widen the windows, unless that is meant.",
  },
  FIELD_MOSTLY_MISSING: {
    severity: "note",
    meaning: "a field hardly ever has a value",
    action: "Check its mapping.",
  },
  FIELD_CONSTANT: {
    severity: "note",
    meaning: "a field has one value alone",
    action: "Leave it out: it tells nothing.",
  },
  OUTCOME_AT_ONCE: {
    severity: "note",
    meaning: "an objective has no delay",
    action: "Set the time after which it is known: the next event of the user would read it at once.",
  },
} as const satisfies Readonly<Record<string, { severity: Severity; meaning: string; action: string }>>;

/** How much a finding matters: results would be wrong, may be, or could be better. */
export const SEVERITIES = ["error", "warning", "note"] as const;
/** One of {@link SEVERITIES}. */
export type Severity = (typeof SEVERITIES)[number];

/** A code of {@link FINDINGS}. */
export type FindingCode = keyof typeof FINDINGS;

/** One suspicion. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** The field, label or window that it is about. */
  readonly field: string;
  readonly meaning: string;
  /** What was counted, as a sentence. */
  readonly evidence: string;
  /** The numbers of the evidence, by name. */
  readonly numbers: Readonly<Record<string, number>>;
  /** What to do. */
  readonly action: string;
}

/** A finding of this code, about this field. */
export function finding(
  code: FindingCode,
  field: string,
  { evidence, numbers }: Pick<Finding, "evidence" | "numbers">,
): Finding {
  return { code, field, evidence, numbers, ...FINDINGS[code] };
}

/** Findings by severity, worst first; otherwise in the order given. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}
