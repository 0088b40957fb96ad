// One set-up at a time per checkout. The lock is a file that names its holder; a dead holder's lock is taken over.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const POLL_MS = 200;

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

/** The holder that a lock file names, or null if the file is gone or unreadable. */
export function readHolder(path) {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(path, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? { pid, startTime } : null;
  } catch {
    return null;
  }
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

/** Moves a dead holder's lock away. Two may try at once: whoever moved a living one's lock puts it back. */
function clearStale(path, mine) {
  const moved = `${mine}.stale`;
  try {
    renameSync(path, moved);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  const holder = readHolder(moved);
  if (holder && isAlive(holder)) tryAcquire(path, moved);
  rmSync(moved, { force: true });
}

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
      const holder = readHolder(path);
      if (holder === null || !isAlive(holder)) {
        clearStale(path, mine);
        continue;
      }
      if (!waiting) onWait(holder.pid);
      waiting = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(path, { force: true });
}
