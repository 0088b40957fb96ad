import { InvalidArgumentError } from "commander";

/** One option of a command: how it is written, and how its text becomes a value. */
export interface Option<T> {
  /** What stands for the value in help, such as `N`; null for a switch, which has none. */
  readonly placeholder: string | null;
  /** Written `--no-NAME`: true unless it is given. */
  readonly negated: boolean;
  readonly description: string;
  readonly fallback: T;
  /** The default as help shows it; null where there is nothing to show. */
  readonly shown: string | null;
  /** The value after `text` was read; `previous` is the value of the same option before it. @throws if it is none */
  parse(text: string, previous: T): T;
}

/** The options of a command, by their name in camelCase: `dryRun` is written `--dry-run`. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of options, by the same names. */
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

/** `--name`: false unless it is given. */
export function flag(description: string): Option<boolean> {
  return { placeholder: null, negated: false, description, fallback: false, shown: null, parse: () => true };
}

/** `--no-name`: true unless it is given. */
export function negatable(description: string): Option<boolean> {
  return { placeholder: null, negated: true, description, fallback: true, shown: null, parse: () => false };
}

/** `--name TEXT`; null unless it is given, or `fallback`. */
export function text(placeholder: string, description: string): Option<string | null>;
export function text(placeholder: string, description: string, fallback: string): Option<string>;
export function text(placeholder: string, description: string, fallback: string | null = null): Option<string | null> {
  return { placeholder, negated: false, description, fallback, shown: fallback, parse: (value) => value };
}

/** `--name N`: a whole number of at least `minimum`; `fallback` unless it is given. */
export function integer<T extends number | null>(
  placeholder: string,
  description: string,
  { minimum, fallback }: { readonly minimum: number; readonly fallback: T },
): Option<number | T> {
  const parse = (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= minimum) return number;
    throw new InvalidArgumentError(`It must be a whole number of at least ${minimum}.`);
  };
  const shown = fallback === null ? null : `${fallback}`;
  return { placeholder, negated: false, description, fallback, shown, parse };
}

/** `--name A,B`, which may be repeated: the parts in the order given; none unless it is given. */
export function list(placeholder: string, description: string): Option<readonly string[]> {
  const parse = (value: string, previous: readonly string[]): readonly string[] => [
    ...previous,
    ...value.split(",").filter((part) => part !== ""),
  ];
  return { placeholder, negated: false, description, fallback: [], shown: null, parse };
}

/** `--name TEXT`, which may be repeated: the texts whole, in the order given; none unless it is given. */
export function repeated(placeholder: string, description: string): Option<readonly string[]> {
  const parse = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];
  return { placeholder, negated: false, description, fallback: [], shown: null, parse };
}
