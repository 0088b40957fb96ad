/** How large an event may be, wherever it is read or kept. */
export const EVENT_LIMITS = {
  /** Of the id of a user or of an event in UTF-8. @unit bytes */
  idBytes: 512,
  /** Of one value of a category in UTF-8. @unit bytes */
  valueBytes: 4_096,
  /** Of one report of an event, as JSON in UTF-8. @unit bytes */
  recordBytes: 32_768,
  /** Values of a list. */
  listValues: 1_024,
} as const;
