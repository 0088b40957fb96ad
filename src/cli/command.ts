import type { ProjectConfig } from "../config/project.ts";
import type { Options, Values } from "./option.ts";
import type { Progress, ProgressOptions } from "./screen/progress.ts";

/** An argument that is no option. */
export interface Argument {
  /** As help shows it: `DIR`. */
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** Any number of them may be given; only of the last argument. @default false */
  readonly many?: boolean;
}

/** How a command ended: what it was asked for is done, is not as it should be, or was stopped by a signal. */
export type Status = "done" | "failed" | "stopped";

/** The exit code of each way to end, and of a command line that is none. */
export const EXIT_CODES = { done: 0, failed: 1, usage: 2, stopped: 130 } as const;

/** What a command found or did. */
export interface Outcome {
  /** What `--json` prints, as one line. */
  readonly result: object;
  /** The same for people. */
  readonly text: string;
  /** @default "done" */
  readonly status?: Status;
}

/** What a command is given to run. */
export interface Invocation<O extends Options> {
  readonly args: readonly string[];
  readonly options: Values<O>;
  /**
   * Aborted by the first Ctrl-C or SIGTERM. A command with something to save returns an outcome `stopped`; others call
   * `signal.throwIfAborted()`, and its `resume` says how to go on.
   */
  readonly signal: AbortSignal;
  /** What `--config` and `--set` were given as. */
  readonly project: ProjectOptions;
  /** Loads the project's configuration. @throws {LapidaryError} CONFIG_* */
  loadProject(): Promise<ProjectConfig>;
  /** Shows how far a long job is, on stderr. */
  progress(options: ProgressOptions): Progress;
  /** Writes a line for people, on stderr. */
  say(line: string): void;
}

/** The options that every command with a configuration takes. */
export interface ProjectOptions {
  /** Null if `--config` was not given. */
  readonly config: string | null;
  readonly set: readonly string[];
}

/** A command: what help says of it, and what it does. Its file loads libtorch or the data only inside of `run`. */
export interface Command<O extends Options = Options> {
  readonly name: string;
  /** One line, without a dot: the list of commands shows it. */
  readonly summary: string;
  /** What help says below the usage, if the summary is not enough. */
  readonly description?: string;
  readonly args?: readonly Argument[];
  readonly options: O;
  /** Whether it takes `--config` and `--set`. */
  readonly readsProject: boolean;
  /** One command line that works, for help. */
  readonly example: string;
  /** How to go on after it was stopped. */
  readonly resume: string;
  /** @throws {LapidaryError} everything that a user can act on */
  run(invocation: Invocation<O>): Promise<Outcome>;
}

/** The command, with the types of its options' values inferred. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command;
}
