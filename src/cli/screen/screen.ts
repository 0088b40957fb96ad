/** Where text for people goes. */
export interface Terminal {
  /** Whether a line can be rewritten in place. */
  readonly isInteractive: boolean;
  readonly columns: number;
  write(text: string): void;
}

/** Stderr: interactive if it is a terminal that can move its cursor. */
export function stderrTerminal(): Terminal {
  const { stderr } = process;
  return {
    isInteractive: stderr.isTTY === true && process.env["TERM"] !== "dumb",
    // Read anew each time: the window may change its size. Some terminals do not know theirs and say 0.
    get columns() {
      return stderr.columns || 80;
    },
    write: (text) => void stderr.write(text),
  };
}

const ERASE_LINE = "\r\x1b[2K";

/** Lines for people, above at most one line that is rewritten in place. */
export class Screen {
  readonly terminal: Terminal;
  #pinned = "";

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  /** Writes a line for good. */
  say(line: string): void {
    const pinned = this.#pinned;
    this.pin("");
    this.terminal.write(`${line}\n`);
    this.pin(pinned);
  }

  /** Shows a line that the next one replaces; the empty one removes it. Only for interactive terminals. */
  pin(line: string): void {
    if (!this.terminal.isInteractive || line === this.#pinned) return;
    this.terminal.write(this.#pinned === "" ? line : `${ERASE_LINE}${line}`);
    this.#pinned = line;
  }
}
