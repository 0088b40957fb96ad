import { EXIT_CODES } from "./command.ts";
import type { Screen } from "./screen/screen.ts";

/** The reason of an aborted signal: someone asked the command to end. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** What a first Ctrl-C aborts, and how to stop listening for one. */
export interface Interrupts extends Disposable {
  readonly signal: AbortSignal;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The first SIGINT or SIGTERM aborts the signal, so that the command can save what it has; the second ends at once. */
export function watchInterrupts(screen: Screen): Interrupts {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(EXIT_CODES.stopped);
    const again = name === "SIGINT" ? "Ctrl-C again to end at once" : `${name} again to end at once`;
    screen.say(`stopping; ${again}`);
    controller.abort(new Stopped());
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
