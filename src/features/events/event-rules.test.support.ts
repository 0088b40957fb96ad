/**
 * Values of events in every spelling, with what they are by construction: as a text, for logs and requests alike, and as a
 * JSON token, which may be a text, a number or something else.
 */
import fc from "fast-check";

/** One spelling of one value. */
export interface Spelling {
  /** As JSON writes it. */
  readonly json: string;
  /** As a field of a text log has it; null for what only JSON can say. */
  readonly text: string | null;
  /** What is stored: null if it is missing, a code of `EVENT_*` if it is refused. */
  readonly value: string | number | null | { readonly code: string };
}

/** What is stored of a value of each kind. */
export type SpelledKind = "id" | "category" | "number" | "value" | "count" | "flag" | "origin" | "time";

/** Range of the times that are taken. @unit ms since 1970, UTC */
export const SPELLED_RANGE = { earliestMs: Date.UTC(2001, 0, 1), latestMs: Date.UTC(2065, 0, 1) };

const quoted = (text: string, value: Spelling["value"]): Spelling => ({ json: JSON.stringify(text), text, value });
/** A token that is the same in JSON and in a text log. */
const bare = (text: string, value: Spelling["value"]): Spelling => ({ json: text, text, value });
const either = (text: string, value: Spelling["value"]) => fc.constantFrom(quoted(text, value), bare(text, value));
const refusedAs = (code: string) => ({ code });

const missing: fc.Arbitrary<Spelling> = fc.constantFrom(
  { json: "null", text: "", value: null },
  { json: '""', text: "", value: null },
);
const nested: fc.Arbitrary<Spelling> = fc
  .constantFrom("{}", "[]", '{"a":1}', '["a"]', "[[1]]")
  .map((json) => ({ json, text: null, value: refusedAs("EVENT_OBJECT") }));

/** JSON may write any character of a text by its number. */
function escaped({ json, ...rest }: Spelling): Spelling {
  if (!json.startsWith('"')) return { json, ...rest };
  const text = JSON.parse(json) as string;
  const units = [...Array(text.length).keys()].map((i) => text.charCodeAt(i).toString(16).padStart(4, "0"));
  return { json: `"${units.map((unit) => `\\u${unit}`).join("")}"`, ...rest };
}

/** Whole numbers of any length, which ids may be. */
const whole: fc.Arbitrary<string> = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  fc.constantFrom("0", "9007199254740993", "-9007199254740993", "18446744073709551615", "999999999999999"),
);

function texts(maxBytes: number): fc.Arbitrary<Spelling> {
  const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
  // Texts that a table's program may have made of numbers have a rule of their own.
  const plain = words.filter((text) => !/^-?\d+(\.0+)?$/.test(text)).map((text) => quoted(text, text));
  const lookalikes = fc.constantFrom(
    "007",
    "007.0",
    "+17",
    "1.50",
    "17.",
    ".0",
    "1e3",
    "1_0",
    "NaN",
    "null",
    " 17",
    "-",
  );
  const edge = fc.constantFrom("x", "é", "😀").chain((unit) => {
    const most = Math.floor(maxBytes / Buffer.byteLength(unit));
    return fc.constantFrom(
      quoted(unit.repeat(most), unit.repeat(most)),
      quoted(unit.repeat(most + 1), refusedAs("EVENT_SIZE")),
    );
  });
  return fc.oneof(
    { weight: 4, arbitrary: plain },
    lookalikes.map((text) => quoted(text, text)),
    edge,
  );
}

function ids(maxBytes: number): fc.Arbitrary<Spelling> {
  const numbers = fc.tuple(whole, fc.constantFrom("", ".0", ".00", ".000")).chain(([digits, zeros]) => {
    // JSON has no more than a double where there is a point.
    const isExact = zeros === "" || Math.abs(Number(digits)) < 2 ** 53;
    const text = `${digits}${zeros}`;
    return isExact ? either(text, digits) : fc.constant(quoted(text, digits));
  });
  const signed = fc.constantFrom("-0", "-0.0", "0.0").chain((text) => either(text, "0"));
  const others = fc.constantFrom(bare("true", "true"), bare("false", "false"), bare("17.5", "17.5"));
  const lone = fc.constantFrom("\\ud800", "a\\udc00", "\\udc00\\ud800").map((text) => {
    return { json: `"${text}"`, text: null, value: refusedAs("EVENT_ID") };
  });
  return fc.oneof({ weight: 3, arbitrary: texts(maxBytes) }, { weight: 3, arbitrary: numbers }, signed, others, lone);
}

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
/** A float32, and a double near it that rounds to it. */
const numbers: fc.Arbitrary<Spelling> = fc.oneof(
  float32.chain((value) => either(String(value), value === 0 ? 0 : value)),
  fc.integer({ min: -(2 ** 24), max: 2 ** 24 }).chain((value) => {
    const spellings = [`${value}.0`, `${value}e0`, `${value}E+0`, `${value}.000000000000000000000`];
    return fc.constantFrom(
      ...spellings.map((text) => quoted(text, value)),
      ...spellings.map((text) => bare(text, value)),
    );
  }),
  fc.constantFrom(quoted("+1.5", 1.5), quoted(".5", 0.5), quoted("5.", 5), quoted(" 2 ", 2), quoted("-.5", -0.5)),
  fc.constantFrom("-0", "0e5", "1e-60", "-1e-60").chain((text) => either(text, 0)),
  fc.constantFrom("3.5e38", "-1e39", "1e300").chain((text) => either(text, refusedAs("EVENT_NUMBER"))),
  fc
    .constantFrom("NaN", "nan", "inf", "-Infinity", "0x1F", "1_0", "1,5", "1.5.2", "x", " ", "e5", "--1", "1e", "true")
    .map((text) => quoted(text, refusedAs("EVENT_NUMBER"))),
  fc.constantFrom(bare("true", refusedAs("EVENT_NUMBER")), bare("false", refusedAs("EVENT_NUMBER"))),
);

/** Numbers that are amounts, and their negatives, which are refused as such. */
const amounts: fc.Arbitrary<Spelling> = fc.oneof(
  numbers.map(({ value, ...rest }) => {
    return { ...rest, value: typeof value === "number" && value < 0 ? refusedAs("EVENT_AMOUNT") : value };
  }),
  fc.constantFrom("-0.01", "-1", "-1e-40").chain((text) => either(text, refusedAs("EVENT_AMOUNT"))),
);

const counts: fc.Arbitrary<Spelling> = fc.oneof(
  fc.nat(2 ** 24).chain((value) => {
    const spellings = [`${value}`, `${value}.0`, `${value}e0`];
    return fc.constantFrom(...spellings.flatMap((text) => [quoted(text, value), bare(text, value)]));
  }),
  fc.constantFrom("-0", "0", "1e-60").chain((text) => either(text, 0)),
  // What a float32 does not tell from a whole number is one.
  fc.constantFrom("1e20", "2.00000001").chain((text) => either(text, Math.fround(Number(text)))),
  fc.constantFrom("-1", "0.5", "1e-3", "-1e20").chain((text) => either(text, refusedAs("EVENT_COUNT"))),
  fc.constantFrom("NaN", "x", "1e39", "true").map((text) => quoted(text, refusedAs("EVENT_NUMBER"))),
);

const flags: fc.Arbitrary<Spelling> = fc.oneof(
  fc.constantFrom(0, 1).chain((flag) => {
    const both = [`${flag}`, `${flag}.0`, `${flag}.000`, `${flag}e0`, flag === 0 ? "false" : "true"];
    const words = flag === 0 ? ["False", "FALSE", "-0", " 0"] : ["True", "TRUE", "+1", "10e-1", "1 "];
    return fc.constantFrom(
      ...both.flatMap((text) => [quoted(text, flag), bare(text, flag)]),
      ...words.map((text) => quoted(text, flag)),
    );
  }),
  fc.constantFrom("2", "-1", "0.5", "1e5").chain((text) => either(text, refusedAs("EVENT_FLAG"))),
  fc.constantFrom("yes", "no", "t", "NaN", "x", " ").map((text) => quoted(text, refusedAs("EVENT_FLAG"))),
);

const origins: fc.Arbitrary<Spelling> = fc.oneof(
  fc.constantFrom("ad", "organic").map((text) => quoted(text, text)),
  fc.constantFrom("AD", "paid", " ad", "1").map((text) => quoted(text, refusedAs("EVENT_ORIGIN"))),
  fc.constantFrom(bare("1", refusedAs("EVENT_ORIGIN")), bare("true", refusedAs("EVENT_ORIGIN"))),
);

const pad = (value: number, width = 2): string => `${value}`.padStart(width, "0");

/** A time of day in ISO 8601 at an offset of whole minutes, with a fraction that may be finer than is kept. */
function isoOf(ms: number, [offset, finer, form]: readonly [number, string, number]): string {
  const at = new Date(ms + offset * 60_000);
  const [dash, colon, point] = form % 2 === 0 ? ["-", ":", "."] : ["", "", ","];
  const date = [pad(at.getUTCFullYear(), 4), pad(at.getUTCMonth() + 1), pad(at.getUTCDate())].join(dash);
  const clock = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map((part) => pad(part)).join(colon);
  const minutes = `${pad(Math.floor(Math.abs(offset) / 60))}${colon}${pad(Math.abs(offset) % 60)}`;
  const utc = ["", "Z", " UTC", "z", "[UTC]", " GMT"][form % 6] ?? "";
  const place = offset === 0 ? utc : `${offset < 0 ? "-" : "+"}${minutes}`;
  return `${date}${form % 3 === 0 ? " " : "T"}${clock}${point}${pad(at.getUTCMilliseconds(), 3)}${finer}${place}`;
}

/** Times as text in ISO 8601, the unit of {@link spelledEvents}. */
const isoTimes: fc.Arbitrary<Spelling> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.integer({ min: SPELLED_RANGE.earliestMs, max: SPELLED_RANGE.latestMs - 1 }),
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        fc.constantFrom("", "0", "9", "999999"),
        fc.nat(11),
      )
      .map(([ms, offset, finer, form]) => quoted(isoOf(ms, [offset, finer, form]), ms)),
  },
  fc.constantFrom(
    quoted("2025-03-03", Date.UTC(2025, 2, 3)),
    quoted("2025-03-03 10:00", Date.UTC(2025, 2, 3, 10)),
    quoted("2016-12-31T23:59:60Z", Date.UTC(2017, 0, 1)),
    quoted("2025-03-03T24:00", Date.UTC(2025, 2, 4)),
    quoted("2025-07-03T12:00:00[Europe/Berlin]", Date.UTC(2025, 6, 3, 10)),
    quoted("2025-07-03 10:00:00 America/New_York", Date.UTC(2025, 6, 3, 14)),
  ),
  fc
    .constantFrom("2000-12-31T23:59:59.999", "2065-01-01", "1970-01-01T00:00:00Z", "9999-12-31", "0000-01-01")
    .map((text) => quoted(text, refusedAs("EVENT_TIME_RANGE"))),
  fc
    .constantFrom(
      "now",
      " ",
      "2025-02-30",
      "2025-03-03T25:00",
      "03/03/2025",
      "2025-03-03 10:00 CST",
      "1700000000000",
      "x",
    )
    .map((text) => quoted(text, refusedAs("EVENT_TIME"))),
  fc.constantFrom({ json: "true", text: null, value: refusedAs("EVENT_TIME") }),
);

/** Values of each kind in every spelling; those that must not be missing are refused as missing if they are. */
const SPELLED: Readonly<Record<SpelledKind, fc.Arbitrary<Spelling>>> = {
  id: ids(512),
  category: ids(4096),
  number: numbers,
  value: amounts,
  count: counts,
  flag: flags,
  origin: origins,
  time: isoTimes,
};

/** One value of a kind. Of what an event must have, `required`, a missing one is refused. */
export function spelled(kind: SpelledKind, required = false): fc.Arbitrary<Spelling> {
  const none = required ? missing.map((spelling) => ({ ...spelling, value: refusedAs("EVENT_MISSING") })) : missing;
  const any = fc.oneof({ weight: 12, arbitrary: SPELLED[kind] }, none, nested);
  return fc.oneof({ weight: 6, arbitrary: any }, any.map(escaped));
}

/** One value that is taken. */
export function taken(kind: SpelledKind): fc.Arbitrary<Spelling> {
  return SPELLED[kind].filter(({ value }) => typeof value !== "object");
}

/** An event: a spelling of each of its columns by name. */
export type SpelledEvent = Readonly<Record<string, Spelling>>;

/**
 * Events with columns of the kinds given, of which at most one is refused, so that there is one code that tells why.
 * `required` are those that every event has.
 */
export function spelledEvents(
  kinds: Readonly<Record<string, SpelledKind>>,
  required: readonly string[],
): fc.Arbitrary<SpelledEvent> {
  const good = fc.record(Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, taken(kind)])));
  const strange = fc.constantFrom(...Object.keys(kinds)).chain((name) => {
    return spelled(kinds[name] ?? "id", required.includes(name)).map((spelling) => ({ [name]: spelling }));
  });
  return fc.tuple(good, strange).map(([event, change]) => ({ ...event, ...change }));
}

/** The code that refuses an event; null if it is taken. */
export function refusalOf(event: SpelledEvent): string | null {
  for (const { value } of Object.values(event)) if (typeof value === "object" && value !== null) return value.code;
  return null;
}

/** What is stored of an event's columns: those that are not missing. */
export function storedOf(event: SpelledEvent): Record<string, string | number> {
  const known = Object.entries(event).filter(([, { value }]) => typeof value !== "object");
  return Object.fromEntries(known.map(([name, { value }]) => [name, value as string | number]));
}

/** An event as a line of JSON. */
export function jsonOf(event: SpelledEvent): string {
  return `{${Object.entries(event).map(([name, { json }]) => `${JSON.stringify(name)}:${json}`)}}`;
}
