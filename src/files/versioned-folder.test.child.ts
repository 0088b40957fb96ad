/** A process to be killed: puts the thing with number `argv[4]` at `argv[3]`, in the way `argv[2]`. */
import "./kill-points.test.support.ts";
import { WAYS } from "./versioned-folder.test.support.ts";

const [, , way = "", path = "", number] = process.argv;
WAYS[way as keyof typeof WAYS](path, Number(number));
