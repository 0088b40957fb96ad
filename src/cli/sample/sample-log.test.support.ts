import type { SampleShape } from "./sample-log.ts";

/** A sample of 2,000 impressions, for tests that need no good model. */
export const SMALL_SAMPLE: SampleShape = {
  users: 80,
  items: 60,
  eventsPerUser: 25,
  categories: 6,
  liked: 2,
  leastAppeal: 1,
};
