import { resolve as resolvePath } from "node:path";
import { type Problem, show } from "../../base/check.ts";
import { parseInstant } from "../../base/instant.ts";
import { parseDuration } from "../../base/units.ts";
import type { SurfaceConfig, WorldConfig } from "./world.ts";
import { SURFACE_DEFAULTS, type UserWorld, WORLD_DEFAULTS } from "./world-schema.ts";

type Report = (problem: Problem) => void;

/** The world with every default filled in; its folder is relative to `root`. */
export function resolveWorld(world: UserWorld, root: string, report: Report): WorldConfig {
  const { window, ...conversion } = { ...WORLD_DEFAULTS.conversion, ...world.conversion };
  const firstDay = world.firstDay ?? WORLD_DEFAULTS.firstDay;
  const at = (path: string, expected: string, got: string): number => {
    report({ code: "CONFIG_INVALID", path, expected, got: show(got), hint: "Correct this value." });
    return 0;
  };
  return {
    folder: resolvePath(root, world.folder ?? WORLD_DEFAULTS.folder),
    seed: world.seed ?? WORLD_DEFAULTS.seed,
    users: world.users ?? WORLD_DEFAULTS.users,
    firstDayMs: parseInstant(firstDay) ?? at("world.firstDay", "a day of the calendar", firstDay),
    days: world.days ?? WORLD_DEFAULTS.days,
    people: { ...WORLD_DEFAULTS.people, ...world.people },
    intents: { ...WORLD_DEFAULTS.intents, ...world.intents },
    topics: { ...WORLD_DEFAULTS.topics, ...world.topics },
    ads: { ...WORLD_DEFAULTS.ads, ...world.ads },
    posts: { ...WORLD_DEFAULTS.posts, ...world.posts },
    policy: { ...WORLD_DEFAULTS.policy, ...world.policy },
    conversion: {
      ...conversion,
      windowMs: parseDuration(window) ?? at("world.conversion.window", "a duration below 270,000 years", window),
    },
    surfaces: resolveSurfaces(world.surfaces ?? SURFACE_DEFAULTS),
  };
}

function resolveSurfaces(surfaces: NonNullable<UserWorld["surfaces"]>): Readonly<Record<string, SurfaceConfig>> {
  const known: Readonly<Record<string, SurfaceConfig>> = SURFACE_DEFAULTS;
  return Object.fromEntries(
    Object.entries(surfaces).map(([name, surface]) => {
      const like = known[name] ?? SURFACE_DEFAULTS.feed;
      return [name, { ...like, ...surface, formats: { ...like.formats, ...surface.formats } }] as const;
    }),
  );
}
