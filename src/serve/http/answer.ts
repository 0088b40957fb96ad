import type { OutgoingHttpHeaders } from "node:http";

/** Header with the length of the JSON before tensors in binary, of requests and answers. @unit bytes */
export const JSON_LENGTH_HEADER = "Inference-Header-Content-Length";

/** What the server says to a request: JSON, or a body of another media type. */
export type Answer<T = unknown> = JsonAnswer<T> | TypedAnswer;

interface AnswerHead {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer in JSON. */
export interface JsonAnswer<T> extends AnswerHead {
  readonly json: T;
}

/** An answer of another media type. */
export interface TypedAnswer extends AnswerHead {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** What goes over the wire. */
export interface EncodedAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

/** The bytes of an answer, and what its head says of them. */
export function encodeAnswer(answer: Answer): EncodedAnswer {
  const { status = 200, headers } = answer;
  const { type, body } = "json" in answer ? { type: "application/json", body: JSON.stringify(answer.json) } : answer;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return { status, headers: { ...headers, "Content-Type": type, "Content-Length": bytes.length }, body: bytes };
}
