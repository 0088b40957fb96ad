import type { ReportedEvent } from "./online-store.ts";

/** Reports by user, each user's in the order given. */
export function groupByUser(events: readonly ReportedEvent[]): ReadonlyMap<string, readonly ReportedEvent[]> {
  const users = new Map<string, ReportedEvent[]>();
  for (const event of events) {
    const reports = users.get(event.user);
    if (reports === undefined) users.set(event.user, [event]);
    else reports.push(event);
  }
  return users;
}
