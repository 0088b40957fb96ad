import { Argument, Command as Commander, type CommanderError, Option as CommanderOption } from "commander";
import { LapidaryError } from "../base/errors.ts";
import { packageVersion } from "../base/version.ts";
import { type Command, EXIT_CODES } from "./command.ts";
import { type Option, type Options, repeated, text } from "./option.ts";

/** One command as it was called. */
export interface Call {
  readonly command: Command;
  readonly args: readonly string[];
  /** Values by option name: of the command's own options and of the shared ones. */
  readonly values: Readonly<Record<string, unknown>>;
}

const PROJECT_OPTIONS: Options = {
  config: text("PATH", "configuration file, or a folder with one; the working folder by default"),
  set: repeated("KEY=VALUE", "overrides a value of the configuration (a.b=c, +a.b=c, ++a.b=c, ~a.b); may be repeated"),
};

/** Help and version are answered by the parser itself: there is nothing to run then. */
export class Answered extends Error {}

/**
 * Reads a command line.
 *
 * @throws {Answered} if it only asked for help or the version, which was written to stdout
 * @throws {LapidaryError} USAGE
 */
export function parseCall(commands: readonly Command[], argv: readonly string[]): Call {
  const calls: Call[] = [];
  const program = new Commander("lapidary")
    .description("Trains one large ads foundation model, and cuts from it the small models that rank ads.")
    .version(packageVersion(), "--version", "writes the version")
    .helpOption("-h, --help", "writes this text")
    .helpCommand(false)
    .addHelpText("after", "\n`lapidary COMMAND --help` says more of a command.");
  settle(program);
  for (const command of commands) program.addCommand(parserOf(command, (call) => calls.push(call)));
  program.parse(argv, { from: "user" });
  const [call] = calls;
  if (call === undefined) throw usage(program, "no command");
  return call;
}

/** Errors are thrown as data, and nothing but help and the version is written. */
function settle(parser: Commander): void {
  parser.configureOutput({ writeErr: () => {} });
  // Of lists and switches the parser would show defaults that nobody writes: ours are in the descriptions.
  parser.configureHelp({ optionDescription: ({ description }) => description });
  parser.exitOverride((error: CommanderError) => {
    if (error.exitCode === 0) throw new Answered();
    // It answers an empty command line with its help, as an error.
    throw usage(parser, error.code === "commander.help" ? "no command" : error.message);
  });
}

function parserOf(command: Command, onCall: (call: Call) => void): Commander {
  const { name, summary, description, args = [], options, readsProject, example } = command;
  const parser = new Commander(name)
    .summary(summary)
    .description(description ?? `${summary}.`)
    .helpOption("-h, --help", "writes this text")
    .addHelpText("after", `\nExample:\n  $ ${example}`);
  for (const { name: label, required, many, description: text } of args) {
    const inner = many ? `${label}...` : label;
    parser.addArgument(new Argument(required ? `<${inner}>` : `[${inner}]`, text));
  }
  const shared = readsProject ? PROJECT_OPTIONS : {};
  for (const [key, option] of Object.entries({ ...options, ...shared })) parser.addOption(parserOption(key, option));
  parser.addOption(new CommanderOption("--json", "writes the result as one line of JSON, and nothing else, to stdout"));
  // The parser adds its values and itself behind the arguments; an absent argument is undefined.
  parser.action((...values: unknown[]) => {
    const texts = values.slice(0, args.length).flat();
    onCall({ command, args: texts.filter((text) => typeof text === "string"), values: parser.opts() });
  });
  settle(parser);
  return parser;
}

function parserOption(key: string, option: Option<unknown>): CommanderOption {
  const { placeholder, negated, description, fallback, shown } = option;
  const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const flags = `--${negated ? "no-" : ""}${name}${placeholder === null ? "" : ` <${placeholder}>`}`;
  const parsed = new CommanderOption(flags, shown === null ? description : `${description} (default: ${shown})`);
  if (!negated) parsed.default(fallback);
  if (placeholder !== null) parsed.argParser((text, previous) => option.parse(text, previous));
  return parsed;
}

function usage(parser: Commander, message: string): LapidaryError {
  const names = parser.parent === null ? "lapidary" : `lapidary ${parser.name()}`;
  const [got = "", ...rest] = message.replace(/^error: /, "").split("\n");
  const nearest = rest.join(" ").replace(/^\((.*)\)$/, "$1 ");
  // Before the command there is nothing but help and the version.
  const isEarly = parser.parent === null && got.startsWith("unknown option");
  const suggestion = isEarly ? "Options stand behind the command: `lapidary COMMAND --json`. " : nearest;
  return new LapidaryError({
    code: "USAGE",
    where: names,
    expected: "a command line as its help describes it",
    got: got.replace(/\.$/, ""),
    hint: `${suggestion}Run \`${names} --help\`.`,
  });
}

/** The exit code of an error's code. */
export function exitCodeOf(code: string): number {
  return code === "USAGE" ? EXIT_CODES.usage : EXIT_CODES.failed;
}
