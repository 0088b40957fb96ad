import type { LoadOptions } from "../config/load.ts";
import { type Command, EXIT_CODES, type Invocation, type Outcome, type ProjectOptions } from "./command.ts";
import { factsOf, failureText } from "./failure.ts";
import { type Interrupts, Stopped, watchInterrupts } from "./interrupt.ts";
import type { Options } from "./option.ts";
import { Answered, type Call, exitCodeOf, parseCall } from "./program.ts";
import { Progress } from "./screen/progress.ts";
import { Screen, stderrTerminal } from "./screen/screen.ts";

/** What ends a process: its exit code, and what is written last. */
interface Ending {
  readonly exitCode: number;
  /** The line of `--json`. */
  readonly result: object;
  /** Text for stdout, or stderr under `--json`. */
  readonly text: string;
  /** Text for stderr. */
  readonly notice: string;
}

/** Runs the command that `argv` names and ends the process with its exit code. Never rejects. */
export async function main(commands: readonly Command[], argv: readonly string[]): Promise<void> {
  outliveStreams();
  const screen = new Screen(stderrTerminal());
  const json = argv.includes("--json");
  process.on("uncaughtException", (error) => end(failed(error, commandName(argv)), screen, json));
  try {
    const call = parseCall(commands, argv);
    using interrupts = watchInterrupts(screen);
    end(await endingOf(call, screen, interrupts), screen, json);
  } catch (error) {
    if (error instanceof Answered) process.exit(EXIT_CODES.done);
    end(failed(error, commandName(argv)), screen, json);
  }
}

async function endingOf(call: Call, screen: Screen, { signal }: Interrupts): Promise<Ending> {
  const { name, resume } = call.command;
  try {
    return succeeded(await call.command.run(invocationOf(call, screen, signal)));
  } catch (error) {
    if (!(error instanceof Stopped)) return failed(error, `lapidary ${name}`);
    const result = { stopped: true, resume };
    return { exitCode: EXIT_CODES.stopped, result, text: "", notice: `stopped. ${resume}` };
  } finally {
    screen.pin("");
  }
}

function invocationOf({ args, values }: Call, screen: Screen, signal: AbortSignal): Invocation<Options> {
  // Commands without a configuration have neither of the two.
  const { config = null, set = [] } = values as Partial<ProjectOptions>;
  return {
    args,
    // The parser was built from the options whose types these are.
    options: values as Invocation<Options>["options"],
    signal,
    project: { config, set },
    loadProject: async () => {
      const { loadProject } = await import("../config/load.ts");
      const options: LoadOptions = { set, ...(config === null ? {} : { config }) };
      return loadProject(options);
    },
    progress: (options) => new Progress(options, screen),
    say: (line) => screen.say(line),
  };
}

function succeeded({ result, text, status = "done" }: Outcome): Ending {
  return { exitCode: EXIT_CODES[status], result, text, notice: "" };
}

function failed(error: unknown, command: string): Ending {
  const facts = factsOf(error, command);
  return { exitCode: exitCodeOf(facts.code), result: { error: facts }, text: "", notice: failureText(facts, error) };
}

function commandName(argv: readonly string[]): string {
  return ["lapidary", ...argv.slice(0, 1).filter((word) => !word.startsWith("-"))].join(" ");
}

/** Writes the end and leaves at once: a thread or a child that a command left behind must not keep the process. */
function end({ exitCode, result, text, notice }: Ending, screen: Screen, json: boolean): void {
  screen.pin("");
  if (notice !== "") screen.say(notice);
  if (json && text !== "") screen.say(text);
  const last = json ? JSON.stringify(result) : text;
  if (last === "") process.exit(exitCode);
  process.stdout.write(`${last}\n`, (error) => {
    if (!error || isClosedPipe(error)) process.exit(exitCode);
    // A result that could not be written, to a full disk for example, was not given.
    screen.say(failureText(factsOf(error, "stdout"), error));
    process.exit(EXIT_CODES.failed);
  });
}

/** Who closes the pipe, as `head` does, has read enough: no reason to fail, nor to say anything. */
function isClosedPipe({ code }: NodeJS.ErrnoException): boolean {
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

/** Streams that cannot be written to end nothing by themselves: the work goes on, and the end of it says what failed. */
function outliveStreams(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
