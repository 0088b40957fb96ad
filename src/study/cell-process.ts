import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { LapidaryError } from "../base/errors.ts";
import type { CellReport, CellRequest, CellTask } from "./cell-task.ts";

const WORKER = new URL("./cell-worker.js", import.meta.url);
/** Of what a process wrote to stderr, kept for the error that names it: of its beginning, and of its end. */
const KEPT_CHARACTERS = 1000;

/** How a process ended. */
export type CellEnding =
  | { readonly kind: "scored"; readonly peakBytes: number }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: LapidaryError }
  /** Gone without a word of why: out of memory, a crash. Its checkpoints are whole. */
  | { readonly kind: "died"; readonly error: LapidaryError };

/** One run of a study in a process of its own. It ends by itself if this process does. */
export class CellProcess {
  readonly run: string;
  /** Settles when the process is gone; never rejects. */
  readonly ended: Promise<CellEnding>;
  /** Share of its training that is done. */
  trained = 0;
  readonly #child: ChildProcess;

  constructor(task: CellTask, onTrained: () => void) {
    this.run = task.run;
    // In a process group of its own, it does not get the terminal's Ctrl-C, but what we say.
    this.#child = fork(fileURLToPath(WORKER), { stdio: ["ignore", "ignore", "pipe", "ipc"], detached: true });
    this.ended = this.#watch(onTrained);
    this.#tell({ kind: "start", task });
  }

  /** Asks it to stop with a checkpoint. */
  stop(): void {
    this.#tell({ kind: "stop" });
  }

  #tell(request: CellRequest): void {
    // One that is ending no longer listens; its end says what there is to say.
    this.#child.send(request, () => {});
  }

  #watch(onTrained: () => void): Promise<CellEnding> {
    let last: CellReport | null = null;
    let written = "";
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      written = ends(written + text);
    });
    this.#child.on("message", (report: CellReport) => {
      last = report;
      if (report.kind !== "trained") return;
      this.trained = report.share;
      onTrained();
    });
    return new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(died(this.run, error.message)));
      this.#child.once("close", (code, signal) => {
        const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
        resolve(endingOf(last, this.run, `${how}${written === "" ? "" : `: ${written.trim()}`}`));
      });
    });
  }
}

function endingOf(last: CellReport | null, run: string, how: string): CellEnding {
  if (last === null || last.kind === "trained") return died(run, how);
  if (last.kind !== "failed") return last;
  const { where, ...facts } = last.error;
  return { kind: "failed", error: new LapidaryError({ ...facts, where: `${run}: ${where}` }) };
}

function died(run: string, got: string): CellEnding {
  const hint = "If memory ran out, run fewer beside each other with --parallel; the same command goes on.";
  const expected = "a process that ends well";
  return { kind: "died", error: new LapidaryError({ code: "PROCESS_FAILED", where: run, expected, got, hint }) };
}

function ends(text: string): string {
  if (text.length <= 2 * KEPT_CHARACTERS) return text;
  return `${text.slice(0, KEPT_CHARACTERS)}\n…\n${text.slice(-KEPT_CHARACTERS)}`;
}
