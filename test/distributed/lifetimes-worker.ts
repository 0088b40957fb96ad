/** What one process does while others die, stop, or never come: a scenario by name; writes what it meets, by line. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { LapidaryError } from "../../src/base/errors.ts";
import {
  fromArray,
  type GroupOptions,
  ProcessGroup,
  readProcessEnvironment,
  setThreads,
} from "../../src/torch/index.ts";
import { range } from "./cases.ts";

setThreads(1);
const place = readProcessEnvironment();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const connect = (options: GroupOptions = {}): ProcessGroup =>
  ProcessGroup.connect(place, { timeoutMs: 60_000, rendezvousTimeoutMs: 60_000, ...options });

/** Writes the code of what is thrown, and says where: `COLLECTIVE_FAILED …`. */
async function sayError(body: () => unknown): Promise<void> {
  try {
    await body();
    say("nothing thrown");
  } catch (error) {
    say(error instanceof LapidaryError ? error.code : String(error));
    say(error instanceof Error ? error.message : "");
  }
}

function sumOfRanks(group: ProcessGroup): number {
  return group
    .allReduce(fromArray(Float64Array.of(group.rank), [1]))
    .wait()
    .item();
}

/** Collectives without end, several at once; half of the processes block in them. */
async function collectives(group: ProcessGroup): Promise<void> {
  const tensors = range(4).map(() => fromArray(new Float32Array(30_000), [30_000]));
  for (let turn = 0; ; turn++) {
    const works = tensors.map((tensor) => group.allReduce(tensor));
    for (const work of works) group.rank % 2 === 0 ? work.wait() : await work.done();
    if (turn === 5) say("running");
  }
}

const signalled = once(process, "SIGUSR2");

async function untilTold(): Promise<void> {
  const alive = setInterval(() => {}, 1000);
  await signalled;
  clearInterval(alive);
}

/** Meets the others; one leaves, and they take part in the next collective when the test tells them. */
async function leaving(leave: (group: ProcessGroup) => void | Promise<void>): Promise<void> {
  const group = connect();
  say("connected");
  if (group.rank > 0) {
    await untilTold();
    return sayError(() => group.barrier().wait());
  }
  await leave(group);
  say("left");
  // The others must know from the group, not from the end of this process.
  await untilTold();
}

const SCENARIOS: Readonly<Record<string, () => Promise<void>>> = {
  "run until one fails": () => sayError(() => collectives(connect())),
  "run, 3 s at most": () => sayError(() => collectives(connect({ timeoutMs: 3000 }))),
  "close early": () => leaving((group) => group.close()),
  "close with a work under way": () =>
    leaving(async (group) => {
      const work = group.barrier();
      group.close();
      await sayError(() => work.wait());
      await sayError(() => group.barrier());
    }),
  "exit with a work under way": () =>
    leaving((group) => {
      group.barrier();
      process.exit(0);
    }),
  "meet, 1 s at most": () => sayError(() => connect({ rendezvousTimeoutMs: 1000, timeoutMs: 1000 })),
  "meet again": async () => {
    if (place.rank === 0) await sayError(() => connect({ rendezvousTimeoutMs: 1500 }));
    say(`sum ${sumOfRanks(connect())}`);
  },
  "go on without the one that fails": async () => {
    await sayError(() => collectives(connect()));
    using group = ProcessGroup.connect({ ...place, size: place.size - 1 }, { timeoutMs: 60_000 });
    say(`sum ${sumOfRanks(group)}`);
    await sayError(() => collectives(group));
  },
  "several groups": async () => {
    // One right after the other: some processes come for the next while others are not yet done with the last.
    for (let i = 0; i < 5; i++) connect().close();
    const groups = [connect(), connect(), ProcessGroup.connect({ ...place, prefix: "other" })];
    const works = groups.flatMap((group, i) =>
      range(3).map((k) => group.allReduce(fromArray(Float64Array.of(i * 10 + k), [1]))),
    );
    // Each process waits in another order, which groups that share a connection could not do.
    const order = place.rank === 0 ? works : works.toReversed();
    for (const work of order) work.wait();
    say(works.map((work) => work.wait().item() / place.size).join(" "));
    groups[0]?.close();
    await sleep(10);
    say(`sum ${sumOfRanks(groups[1] ?? connect())}`);
  },
};

await SCENARIOS[process.argv[2] ?? ""]?.();
