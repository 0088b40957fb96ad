// What set-up says while it works, on standard error: standard output stays free for the job that follows.
import { performance } from "node:perf_hooks";

/** Stages that are under way, in the order in which they began, and how far each is. */
const underWay = new Map();

const say = (line) => process.stderr.write(`${line}\n`);

/** On a terminal one line at the bottom tells all stages under way. */
function draw() {
  if (!process.stderr.isTTY) return;
  const all = [...underWay].map(([name, how]) => (how === "" ? name : `${name} (${how})`));
  process.stderr.write(`\r\u001b[K${all.length === 0 ? "" : `set-up: ${all.join(", ")} …`}`);
}

function tell(line) {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  say(line);
  draw();
}

/**
 * Runs one stage, maybe beside others, and says its seconds when it ends. `work` gets a function that tells how far it is:
 * a terminal shows it in place, a log has a line of it.
 */
export async function stage(name, work) {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  const progress = (how) => {
    underWay.set(name, how);
    if (process.stderr.isTTY) draw();
    else say(`set-up: ${name}, ${how}`);
  };
  underWay.set(name, "");
  if (process.stderr.isTTY) draw();
  else say(`set-up: ${name} …`);
  let outcome = "failed after";
  try {
    await work(progress);
    outcome = "took";
  } finally {
    underWay.delete(name);
    tell(`set-up: ${name} ${outcome} ${seconds()}`);
  }
}
