import { resolve as resolvePath } from "node:path";
import { type Problem, show } from "../../base/check.ts";
import { parseInstant } from "../../base/instant.ts";
import { parseDuration } from "../../base/units.ts";
import { fillIn } from "../defaults.ts";
import {
  STYLE_DIM,
  SURFACE_DEFAULTS,
  type SurfaceConfig,
  type UserWorld,
  WORLD_SCHEMA,
  type WorldConfig,
} from "./world.ts";

type Report = (problem: Problem) => void;

/** The world with every default filled in; its folder is relative to `root`. */
export function resolveWorld(world: UserWorld, root: string, report: Report): WorldConfig {
  const { folder, seed, users, firstDay, surfaces: _, ...filled } = fillIn(WORLD_SCHEMA, world);
  const { window, ...conversion } = filled.conversion;
  const at = (path: string, expected: string, got: string): number => {
    report({ code: "CONFIG_INVALID", path, expected, got: show(got), hint: "Correct this value." });
    return 0;
  };
  if (filled.people.tasteSpread > 0 && filled.topics.creativeDim <= STYLE_DIM)
    report(noRoom(filled.topics.creativeDim));
  // In an order of its own: the digest of a world is of its text.
  return {
    folder: resolvePath(root, folder),
    seed,
    users,
    firstDayMs: parseInstant(firstDay) ?? at("world.firstDay", "a day of the calendar", firstDay),
    ...filled,
    conversion: {
      ...conversion,
      windowMs: parseDuration(window) ?? at("world.conversion.window", "a duration below 270,000 years", window),
    },
    surfaces: resolveSurfaces(world.surfaces ?? SURFACE_DEFAULTS),
  };
}

function noRoom(creativeDim: number): Problem {
  return {
    code: "CONFIG_INVALID",
    path: "world.topics.creativeDim",
    expected: `above ${STYLE_DIM}, the numbers of a style, because people.tasteSpread is above 0`,
    got: show(creativeDim),
    hint: "Set it to 32, say.",
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
