import { defineProject } from "../../src/config/define-project.ts";
import world from "../world/lapidary.config.ts";

/**
 * The world of `examples/world` with few people who do much: at the test days a history has thousands of events. For
 * studies of what long histories are worth.
 */
export default defineProject({
  ...world,
  world: {
    ...world.world,
    users: 250,
    days: 49,
    // Heavy users, as even as people come: nobody's history is short.
    people: { sessionsPerDay: 10, activitySpread: 0.3 },
  },
  // Five weeks to learn from: the last two of them have histories as long as the test days.
  split: { trainUntil: "2026-02-16", validationUntil: "2026-02-19", testUntil: "2026-02-23" },
  models: {
    baseRate: { kind: "baseRate" },
    previous: { kind: "previous", size: "tiny", history: 512 },
    foundation: { kind: "foundation", size: "tiny", history: 512 },
  },
});
