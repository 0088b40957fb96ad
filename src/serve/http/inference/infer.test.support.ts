/** Tensors for the tiny model, whose graph computes what is written at its definition. */

/** One tensor of a request, as clients write it. */
export interface TensorBody {
  name: string;
  datatype: string;
  shape: readonly unknown[];
  data: readonly unknown[];
  parameters?: object;
}

/** A request as clients write it. */
export interface InferBody {
  id?: unknown;
  parameters?: unknown;
  inputs: TensorBody[];
  outputs?: unknown;
}

const int32 = (name: string, ...data: readonly number[]): TensorBody => {
  return { name, datatype: "INT32", shape: [data.length], data };
};

/** Two candidates of one request, or with a history each. The histories: the items 3, 4. */
export function exampleInfer(userRows: "request" | "candidate" = "candidate"): InferBody {
  const isShared = userRows === "request";
  const perUser = (code: number): readonly number[] => (isShared ? [code] : [code, code]);
  const events = (...codes: readonly number[]): readonly number[] => (isShared ? codes : [...codes, ...codes]);
  return {
    id: "42",
    inputs: [
      ...["user", "surface", "@hourOfDay", "@dayOfWeek"].map((name) => int32(`contextual.${name}`, ...perUser(1))),
      int32("candidate.item", 1, 2),
      ...["origin", "brand", "price", "fresh"].map((name) => int32(`candidate.${name}`, 1, 1)),
      { name: "numbers", datatype: "FP32", shape: [2, 2], data: [0.5, 0.25, 0, -1] },
      int32("history.item", ...events(3, 4)),
      ...["action", "surface", "origin", "@age", "brand", "price", "fresh", "click", "buy"].map((name) =>
        int32(`history.${name}`, ...events(1, 1)),
      ),
      int32("offsets", ...(isShared ? [0, 2] : [0, 2, 4])),
      ...(isShared ? [int32("requests", 0, 0)] : []),
    ],
    outputs: [{ name: "logits" }],
  };
}

/** The logits of {@link exampleInfer}: item k has k/2 and −(2k+1)/4, past item k adds k/8 and 0, numbers add up. */
export const EXAMPLE_LOGITS = [0.5 + 7 / 8 + 0.75, -0.75 + 0.75, 1 + 7 / 8 - 1, -1.25 - 1];
