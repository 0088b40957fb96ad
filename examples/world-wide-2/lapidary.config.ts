import { defineProject } from "lapidary";
import wide from "../world-wide/lapidary.config.ts";

/** The wide world with other draws: for results, looked at once. Choices are made in the world of seed 1. */
export default defineProject({ ...wide, world: { ...wide.world, seed: 2 } });
