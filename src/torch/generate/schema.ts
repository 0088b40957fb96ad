/** One argument of a registered operator. */
export interface SchemaArgument {
  /** Type as libtorch writes it, without alias marks: `Tensor`, `int[]`, `Scalar?`. */
  readonly type: string;
  readonly name: string;
  /** Default as text, null if the argument must be given. */
  readonly fallback: string | null;
  readonly keywordOnly: boolean;
}

/** A registered operator: `aten::add.Tensor(Tensor self, …) -> Tensor`. */
export interface Schema {
  readonly text: string;
  readonly name: string;
  readonly overload: string;
  readonly arguments: readonly SchemaArgument[];
  /** Types of the results. */
  readonly returns: readonly string[];
  /** True if the result is the first argument, changed in place. */
  readonly inPlace: boolean;
}

/** Splits at commas that are not inside brackets. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let level = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "(" || c === "[") level++;
    else if (c === ")" || c === "]") level--;
    else if (c === "," && level === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts.filter((part) => part !== "");
}

/** Removes alias marks and fixed list lengths: `Tensor(a!)` is a Tensor, `int[2]` is an int[]. */
function plainType(type: string): string {
  return type
    .replace(/\([^)]*\)/g, "")
    .replace(/\[\d+\]/g, "[]")
    .replaceAll("SymInt", "int");
}

function parseArguments(text: string): SchemaArgument[] {
  let keywordOnly = false;
  const result: SchemaArgument[] = [];
  for (const part of splitTop(text)) {
    if (part === "*") {
      keywordOnly = true;
      continue;
    }
    const [declaration = "", fallback = null] = part.split(/=(.*)/s);
    const space = declaration.lastIndexOf(" ");
    result.push({
      type: plainType(declaration.slice(0, space)),
      name: declaration.slice(space + 1),
      fallback,
      keywordOnly,
    });
  }
  return result;
}

/** Parses the text form of a registered schema. */
export function parseSchema(text: string): Schema {
  const match = /^([\w:]+?)(?:\.(\w+))?\((.*)\) -> (.*)$/s.exec(text);
  if (match === null) throw new Error(`not an operator schema: ${text}`);
  const [, name = "", overload = "", parameters = "", results = ""] = match;
  const list = results.startsWith("(") ? splitTop(results.slice(1, -1)) : [results];
  return {
    text,
    name,
    overload,
    arguments: parseArguments(parameters),
    returns: list.map((type) => plainType(type).split(" ")[0] ?? ""),
    inPlace: name.endsWith("_") && !name.startsWith("_"),
  };
}
