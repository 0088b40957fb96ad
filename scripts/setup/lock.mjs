// One set-up at a time per checkout. The lock is a file that names its holder; a dead holder's lock is taken over.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const POLL_MS = 50;

/**
 * Start time of a process in clock ticks, so that a reused process id is not taken for the old process. Empty if the
 * process is gone or a zombie, which some containers never reap.
 */
function startTimeOf(pid) {
  try {
    // The second field, the command, may contain spaces and brackets: count from the last bracket.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

function isAlive({ pid, startTime }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === "ESRCH") return false;
  }
  return startTimeOf(pid) === startTime;
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
}

/** The holder that the text of a lock file names, or null if it names none. */
function holderOf(text) {
  try {
    const { pid, startTime } = JSON.parse(text);
    return Number.isInteger(pid) && pid > 0 ? { pid, startTime } : null;
  } catch {
    return null;
  }
}

function isDead(text) {
  const holder = holderOf(text);
  return holder === null || !isAlive(holder);
}

function tryAcquire(path, mine) {
  try {
    // A link appears at once with its whole content, unlike a file that is created and then written.
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes the lock of a dead holder, whose text is `dead`. Several may find it at once: only who has the claim removes,
 * and only if the text is still the same, so that nobody's new lock is taken for the old one.
 */
function clearStale(path, mine, dead) {
  const claim = `${path}.claim`;
  if (tryAcquire(claim, mine)) {
    if (readText(path) === dead) rmSync(path, { force: true });
    rmSync(claim, { force: true });
    return;
  }
  const text = readText(claim);
  if (text !== null && isDead(text)) rmSync(claim, { force: true });
}

const sleep = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);

/**
 * Waits until this process holds the lock file `path`, and gives the function that releases it.
 * `onWait(pid)` is called once if another process holds it.
 */
export function acquireLock(path, onWait) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
  let waiting = false;
  try {
    while (!tryAcquire(path, mine)) {
      const text = readText(path);
      if (text === null) continue;
      if (isDead(text)) {
        clearStale(path, mine, text);
        continue;
      }
      if (!waiting) onWait(holderOf(text)?.pid);
      waiting = true;
      sleep();
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(path, { force: true });
}
