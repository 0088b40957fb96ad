/** How much one request may ask. */
export const REQUEST_LIMITS = { bodyBytes: 8 * 2 ** 20, candidates: 2_000, events: 2_000, embedding: 1_024 } as const;
