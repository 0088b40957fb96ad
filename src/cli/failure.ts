import { ERROR_CODES, type ErrorFacts, LapidaryError } from "../base/errors.ts";

/** Refusals of the operating system that a user can act on: not defects of ours. */
const SYSTEM_CODES = ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR", "EISDIR", "EMFILE", "ENOENT"];

const SYSTEM_HINT = "Check that the path is right, who may write there, and how much room the disk has.";

/** The same, as the query engine words them: what it could not do, the file, the reason. */
const ENGINE_REFUSAL =
  /(?:could not|cannot) (?<what>\w+)(?: \w+)* "(?<path>[^"]+)".*?: (?<why>no space left on device|disk quota exceeded|read-only file system|permission denied|too many open files)/i;

/** What an error says, whatever was thrown: our own errors as they are, refusals of the system, and defects. */
export function factsOf(error: unknown, command: string): ErrorFacts {
  if (error instanceof LapidaryError) {
    const { code, where, expected, got, hint } = error;
    return { code, where, expected, got, hint };
  }
  if (error instanceof Error && "syscall" in error && "code" in error && SYSTEM_CODES.includes(String(error.code))) {
    return {
      code: "FILE_SYSTEM",
      where: "path" in error ? String(error.path) : command,
      expected: `the system to allow ${String(error.syscall)}`,
      got: firstLine(error).replace(/,.*/, ""),
      hint: SYSTEM_HINT,
    };
  }
  const refusal = error instanceof Error ? ENGINE_REFUSAL.exec(error.message)?.groups : undefined;
  if (refusal !== undefined) {
    const { path = command, what = "write", why = "" } = refusal;
    return { code: "FILE_SYSTEM", where: path, expected: `the system to allow ${what}`, got: why, hint: SYSTEM_HINT };
  }
  return {
    code: "INTERNAL",
    where: command,
    expected: "no defect of lapidary",
    got: error instanceof Error ? `${error.name}: ${firstLine(error)}` : String(error),
    hint: `This is a defect: ${ERROR_CODES.INTERNAL}. Please report it with the command and these lines; LAPIDARY_DEBUG=1 adds the stack.`,
  };
}

/** An error as lines for people. The stack is only shown to who asks for it with LAPIDARY_DEBUG=1. */
export function failureText(facts: ErrorFacts, error: unknown): string {
  const { where, expected, got, code, hint } = facts;
  const text = `error: ${where}: expected ${expected}, got ${got} [${code}]\n${hint}`;
  if (process.env["LAPIDARY_DEBUG"] !== "1" || !(error instanceof Error)) return text;
  return `${text}\n${error.stack ?? ""}`;
}

function firstLine(error: Error): string {
  return error.message.split("\n")[0] ?? "";
}
