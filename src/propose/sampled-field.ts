/** The text of a field in each row of a sample; null where it is missing. */
export interface SampledField {
  readonly name: string;
  /** SQL type; of text formats always VARCHAR, of JSONL the type of its values. */
  readonly type: string;
  readonly values: readonly (string | null)[];
}
