/** A process to be killed: publishes versions of the bundle `argv[2]`, one after the other, and says when it begins. */
import { sampleContents } from "./bundle.test.support.ts";
import { writeBundle } from "./write.ts";

const [, , dir = ""] = process.argv;
process.stdout.write("begin\n");
for (let seed = 2; ; seed++) writeBundle(dir, sampleContents(seed, 200_000));
