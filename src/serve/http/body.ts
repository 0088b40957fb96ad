import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { messageOf } from "../../base/message.ts";
import { parseExactJson } from "./exact-json.ts";
import { REQUEST_LIMITS } from "./values/limits.ts";
import { wrong } from "./values/problems.ts";

/** Reads the body of a request. @throws {LapidaryError} SERVE_LIMIT, SERVE_REQUEST */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const { "content-encoding": encoding } = request.headers;
  if (encoding !== undefined && encoding !== "identity") throw wrong("Content-Encoding", "none", encoding);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > REQUEST_LIMITS.bodyBytes) {
      throw wrong("body", `at most ${REQUEST_LIMITS.bodyBytes} bytes`, sizeBytes, "SERVE_LIMIT");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The JSON of a body, whatever its Content-Type says. @throws {LapidaryError} SERVE_REQUEST */
export function parseJson(bytes: Uint8Array): unknown {
  return parsed(bytes, () =>
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")),
  );
}

/**
 * The JSON of a body that holds facts: no digit of an id is lost, and no key's value is chosen among two.
 *
 * @throws {LapidaryError} SERVE_REQUEST, EVENT_KEY_REPEATED
 */
export function parseFacts(bytes: Uint8Array): unknown {
  const { value, repeated } = parsed(bytes, () => parseExactJson(bytes));
  if (repeated !== null) throw wrong(repeated, "each key once", "the key twice", "EVENT_KEY_REPEATED");
  return value;
}

function parsed<T>(bytes: Uint8Array, parse: () => T): T {
  try {
    // A decoder per request would be a native object per request, for the collector to clear away.
    if (!isUtf8(bytes)) throw new Error("bytes that are no UTF-8");
    return parse();
  } catch (error) {
    throw wrong("body", "JSON in UTF-8", messageOf(error));
  }
}
