/** CPUs and CPU time of other processes, as Linux has them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** CPUs that this process may run on: the numbers that the system gives them. */
export function allowedCpus(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return parseCpuList(list);
}

/** The numbers of a list such as `0-1,4`. */
export function parseCpuList(list: string): readonly number[] {
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Keeps all threads of a process, and those it starts later, on one CPU. */
export function pinTo(cpu: number, pid: number): void {
  execFileSync("taskset", ["-a", "-c", "-p", `${cpu}`, `${pid}`], { stdio: "ignore" });
}

/** The unit of CPU times in /proc, the same on every Linux that Node runs on. @unit 1/s */
const TICKS_PER_SECOND = 100;

/** CPU time that a process has had, all its threads, in itself and in the system on its behalf. @unit s */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, in parentheses, may have spaces in it; fields 14 and 15 are those of user and system.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
