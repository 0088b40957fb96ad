import { ERROR_CODES, type ErrorFacts, LapidaryError } from "../base/errors.ts";

/** Refusals of the operating system that a user can act on: not defects of ours. */
const SYSTEM_CODES = ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR", "EISDIR", "EMFILE", "ENOENT"];

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
      hint: "Check that the path is right, who may write there, and how much room the disk has.",
    };
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
