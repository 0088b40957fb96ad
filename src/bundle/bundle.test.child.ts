/** A process to be killed: publishes `argv[3]` versions of the bundle `argv[2]`, one after the other. */
import "../files/kill-points.test.support.ts";
import { sampleContents } from "./bundle.test.support.ts";
import { writeBundle } from "./write.ts";

const [, , dir = "", count] = process.argv;
for (let seed = 2; seed < 2 + Number(count); seed++) writeBundle(dir, sampleContents(seed, 20_000));
