/** True probabilities of one impression. */
export interface Probabilities {
  /** That the person looks at it at all; everything else presupposes that. */
  look: number;
  /** Given a look. */
  clickGivenLook: number;
  likeGivenLook: number;
  commentGivenLook: number;
  shareGivenLook: number;
  /** Given a click: sooner or later, and within the attribution window. */
  conversionGivenClick: number;
  conversionInWindowGivenClick: number;
  /** Median time from the impression to the conversion. @unit ms */
  delayMs: number;
}

/** What came of an impression. */
export interface Outcome {
  readonly looked: boolean;
  /** @unit s */
  readonly dwell: number;
  readonly liked: boolean;
  readonly commented: boolean;
  readonly shared: boolean;
  readonly clicked: boolean;
  /** Time from the impression to a purchase because of it; infinite without one. @unit ms */
  readonly buysAfterMs: number;
}
