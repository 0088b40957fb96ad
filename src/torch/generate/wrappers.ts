import { native } from "../native.ts";
import type { Wrapper } from "./emit.ts";
import { parseSchema, type Schema } from "./schema.ts";

function schemaOf(qualified: string): Schema {
  const [name = "", overload = ""] = qualified.split(".");
  return parseSchema(native.schema(native.operator(name, overload)));
}

/** The wrapper that a line of a list of operators asks for, as the loaded libtorch describes it. */
export function wrapperOf(line: string): Wrapper {
  const [operators = "", alias] = line.split(" as ");
  const [first = "", second] = operators.split(" ");
  const schema = schemaOf(first);
  const name = alias ?? schema.name.slice(schema.name.indexOf("::") + 2);
  return { name, schemas: second === undefined ? [schema] : [schema, schemaOf(second)] };
}
