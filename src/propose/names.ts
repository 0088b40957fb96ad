import { TAKEN_NAMES } from "../config/events/resolve-events.ts";
import { ownName } from "./words.ts";

/** Name of a fact in a configuration, as its schema asks for. */
const VALID = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Names of facts that a configuration takes: each once, and none that every event has. */
export class FactNames {
  readonly #taken = new Set(TAKEN_NAMES.map((name) => name.toLowerCase()));

  /** The field's own name, if it can be. */
  of(field: string, kind: string): string {
    const ascii = field
      .normalize("NFKD")
      .replace(/[^A-Za-z0-9_]+/g, "_")
      .replace(/^[^A-Za-z]+|_+$/g, "");
    return this.#take(VALID.test(field) ? field : VALID.test(ascii) ? ascii : "field", kind);
  }

  /** `is_long_view` is `longView`, and `outcome.clicked` is `clicked`. */
  ofOutcome(field: string): string {
    const bare = ownName(field).replace(/^(is|has|was|did)[_-]?(?=[A-Z_a-z])/, "");
    const camel = bare.replace(/[_-]+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    const lowered = camel === camel.toUpperCase() ? camel.toLowerCase() : camel[0]?.toLowerCase() + camel.slice(1);
    return this.of(VALID.test(lowered) ? lowered : field, "flag");
  }

  #take(wanted: string, kind: string): string {
    const isFree = (name: string): boolean => {
      const lower = name.toLowerCase();
      // Numbers of the history are read through a table of this name.
      return !this.#taken.has(lower) && !(kind === "number" && this.#taken.has(`${lower}bucket`));
    };
    let name = wanted;
    for (let i = 1; !isFree(name); i++) name = `${wanted.slice(0, 55)}${i === 1 ? "_value" : `_${i}`}`;
    this.#taken.add(name.toLowerCase());
    if (kind === "number") this.#taken.add(`${name.toLowerCase()}bucket`);
    return name;
  }
}
