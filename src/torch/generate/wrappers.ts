import { native } from "../native.ts";
import { OPERATORS } from "../operators.ts";
import { emit, type Wrapper } from "./emit.ts";
import { parseSchema, type Schema } from "./schema.ts";

function schemaOf(qualified: string): Schema {
  const [name = "", overload = ""] = qualified.split(".");
  return parseSchema(native.schema(native.operator(name, overload)));
}

function wrapperOf(line: string): Wrapper {
  const [operators = "", alias] = line.split(" as ");
  const [first = "", second] = operators.split(" ");
  const schema = schemaOf(first);
  const name = alias ?? schema.name.slice(schema.name.indexOf("::") + 2);
  return { name, schemas: second === undefined ? [schema] : [schema, schemaOf(second)] };
}

/** The wrappers of all operators in use, as the loaded libtorch describes them. */
export function generateWrappers(): string {
  return emit(OPERATORS.map(wrapperOf));
}
