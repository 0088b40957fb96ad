/** One fact before it is coded: text of a category, a number, 0 or 1 of a flag, ids of categories, a vector. */
export type RawFact = string | number | readonly string[] | readonly number[];

/** Facts of an event by the name of their column. What is missing is absent. */
export type RawFacts = Readonly<Record<string, RawFact>>;

/** One event of a user as it was reported. */
export interface RawEvent {
  /** Tells events of one user apart; the same id is the same event. */
  readonly id: string;
  /** A whole number. @unit ms since 1970, UTC */
  readonly timeMs: number;
  /**
   * Of the key categories, attributes and outcomes; and of an outcome with a time of its own, after how many milliseconds
   * it is known, under `knownColumnOf` its name.
   */
  readonly facts: RawFacts;
  /** What a teacher has made of the user at this event; absent if it was not asked. @shape [E] */
  readonly embedding?: readonly number[];
}
