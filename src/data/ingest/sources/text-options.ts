import type { EventsConfig } from "../../../config/types.ts";
import type { TextOptions } from "../files/index.ts";

const DELIMITERS = { csv: ",", tsv: "\t", jsonl: "" } as const;

/** How a log of text is split into records and fields. */
export function textOptionsOf({ format, text }: EventsConfig): TextOptions & { readonly delimiter: string } {
  const kind = format === "parquet" ? "csv" : format;
  return {
    format: kind,
    delimiter: text.delimiter ?? DELIMITERS[kind],
    ...(text.quote === null ? {} : { quote: text.quote === "" ? null : text.quote }),
    ...(text.escape === null ? {} : { escape: text.escape }),
    encoding: text.encoding,
  };
}
