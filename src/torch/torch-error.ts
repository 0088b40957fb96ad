import { type ErrorCode, LapidaryError } from "../base/errors.ts";

interface Kind {
  readonly code: ErrorCode;
  readonly expected: string;
  readonly hint: string;
}

const KINDS: Readonly<Record<string, Kind>> = {
  argument: {
    code: "TORCH_ARGUMENT",
    expected: "arguments of the operator's schema",
    hint: "Compare the call with the schema in the wrapper's doc comment.",
  },
  freed: {
    code: "TORCH_FREED",
    expected: "a live tensor",
    hint: "Return the tensor through `scope.keep(tensor)` to use it after its scope ended.",
  },
  limit: {
    code: "TORCH_MEMORY",
    expected: "fewer live tensors",
    hint: "Open a Scope around the body of the loop that makes them.",
  },
  memory: {
    code: "TORCH_MEMORY",
    expected: "enough memory",
    hint: "Use a smaller batch, a shorter history or a smaller model.",
  },
  scope: {
    code: "TORCH_SCOPE",
    expected: "scopes to end in the reverse order of their beginning",
    hint: "Declare scopes with `using` and do not await while one is open.",
  },
  unknown: {
    code: "TORCH_UNKNOWN_OPERATOR",
    expected: "an operator of this libtorch",
    hint: "Build against libtorch 1.13.1 or newer.",
  },
  unsupported: {
    code: "TORCH_UNSUPPORTED",
    expected: "an operator that supports these dtypes and devices",
    hint: "Convert the tensors, or move them to another device.",
  },
  collective: {
    code: "COLLECTIVE_FAILED",
    expected: "all processes to take part",
    hint: "A process has ended or is unreachable: see its output, then restart the job; it resumes from its checkpoint.",
  },
};

const OPERATOR: Kind = {
  code: "TORCH_OPERATOR",
  expected: "arguments that the operator accepts",
  hint: "Check shapes, dtypes and ranges of the arguments.",
};

/** The typed error for a native exception: `message` is libtorch's first line. */
export function torchError(kind: string, where: string, message: string): LapidaryError {
  return new LapidaryError({ ...(KINDS[kind] ?? OPERATOR), where, got: message });
}
