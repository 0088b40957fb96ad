/** Plays a world of many events and prints how much its buffers hold after two days and at the end. */

import { worldConfig } from "./world.test.support.ts";
import { World } from "./world.ts";

const config = worldConfig({ users: 300, days: 80, people: { sessionsPerDay: 5 } });
const world = new World(config);
let buffersEarly = 0;
for (let day = 0; day < config.days; day++) {
  for (const rows of world.day(day)) rows.clear();
  if (day === 1) buffersEarly = process.memoryUsage().arrayBuffers;
}
const buffersLate = process.memoryUsage().arrayBuffers;
process.stdout.write(JSON.stringify({ events: world.rows.total, buffersEarly, buffersLate }));
