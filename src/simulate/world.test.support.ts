import { resolveConfig } from "../config/resolve.ts";
import type { UserConfig } from "../config/schema.ts";
import type { UserWorld, WorldConfig } from "../config/world/world.ts";
import { Pool } from "./behaviour/items.ts";
import { People } from "./behaviour/people.ts";
import { Tastes } from "./behaviour/tastes.ts";
import { Topics } from "./behaviour/topics.ts";
import { Traits } from "./behaviour/traits.ts";
import type { Columns } from "./rows.ts";
import { World } from "./world.ts";

/** A project that reads the log of a world. */
export function projectOf(world: UserWorld): UserConfig {
  return {
    events: {
      from: "world/log/*.parquet",
      id: "event_id",
      user: "user_id",
      item: "item_id",
      time: "time",
      action: "action",
      surface: "surface",
      origin: "origin",
      attributes: { topic: "category", format: "category", creative0: { from: "creative_0", kind: "number" } },
    },
    objectives: {
      click: { from: "is_click", delay: "30m" },
      conversion: { from: "is_conversion", delay: "3d" },
      like: { from: "is_like", delay: "30m" },
    },
    split: { trainUntil: "2026-01-10", validationUntil: "2026-01-11", testUntil: "2026-01-12" },
    training: { threads: 1 },
    models: { baseRate: { kind: "baseRate" }, logistic: { kind: "logistic" } },
    world,
  };
}

/** A world with every default filled in. */
export function worldConfig(world: UserWorld = {}, folder = "/nowhere"): WorldConfig {
  const { world: resolved } = resolveConfig(projectOf(world), `${folder}/lapidary.config.json`);
  if (resolved === null) throw new Error("the project has a world");
  return resolved;
}

/** The ads, or the posts, of a world, none born yet. */
export function poolOf(kind: "ads" | "posts", config: WorldConfig): Pool {
  const topics = new Topics(config);
  return new Pool(kind, config, {
    topics,
    tastes: new Tastes(config, new People(config, topics)),
    traits: new Traits(config),
  });
}

/** The columns of a whole world, in memory. */
export type WholeColumns = { readonly [Name in keyof Columns]: number[] };

/** Plays a world to its end. */
export function play(config: WorldConfig): WholeColumns {
  const world = new World(config);
  const whole: Record<string, number[]> = {};
  for (let day = 0; day < config.days; day++) {
    for (const rows of world.day(day)) {
      for (const [name, values] of Object.entries(rows.columns)) {
        whole[name] ??= [];
        for (let i = 0; i < rows.length; i++) whole[name].push(values[i]!);
      }
      rows.clear();
    }
  }
  return whole as unknown as WholeColumns;
}
