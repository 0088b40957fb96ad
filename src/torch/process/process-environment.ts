import { LapidaryError } from "../../base/errors.ts";

/** The place of this process among those of its job, as launchers give it. */
export interface ProcessEnvironment {
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** Place among those on this machine: the number of its CUDA device. */
  readonly localRank: number;
  /** Processes on this machine. */
  readonly localSize: number;
  /** Where the processes meet: host and port of the store. */
  readonly address: string;
  readonly port: number;
  /** Whether rank 0 serves the store; torchrun's agent does so itself. */
  readonly serve: boolean;
  /** Keeps the store's keys of a restarted job apart from those of the run before. */
  readonly prefix: string;
}

/** Environment variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What every launcher sets. */
const REQUIRED = ["MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE"] as const;

function invalid(where: string, expected: string, got: string): LapidaryError {
  return new LapidaryError({
    code: "DISTRIBUTED_ENVIRONMENT",
    where,
    expected,
    got,
    hint: "Start the processes through `launch`, torchrun or a job controller, which set all of them, or set none.",
  });
}

/**
 * Whether the environment names any place among several processes.
 *
 * @example
 * import { isDistributed } from "lapidary/torch";
 *
 * console.log(isDistributed({}), isDistributed({ RANK: "0", WORLD_SIZE: "2" })); // false true
 */
export function isDistributed(variables: Variables = process.env): boolean {
  return variables["RANK"] !== undefined || variables["WORLD_SIZE"] !== undefined;
}

/**
 * Reads `MASTER_ADDR`, `MASTER_PORT`, `RANK`, `WORLD_SIZE`; and `LOCAL_RANK`, `LOCAL_WORLD_SIZE` where they are set, as
 * if all processes were on this machine where they are not.
 *
 * @throws {LapidaryError} DISTRIBUTED_ENVIRONMENT if one is missing, no integer, or out of its range
 * @example
 * import { readProcessEnvironment } from "lapidary/torch";
 *
 * const variables = { MASTER_ADDR: "10.0.0.1", MASTER_PORT: "29500", RANK: "1", WORLD_SIZE: "2" };
 * const { rank, size, address } = readProcessEnvironment(variables);
 * console.log(rank, size, address); // 1 2 10.0.0.1
 */
export function readProcessEnvironment(variables: Variables = process.env): ProcessEnvironment {
  const missing = REQUIRED.filter((name) => !variables[name]);
  if (missing.length > 0) throw invalid("environment", REQUIRED.join(", "), `no ${missing.join(", ")}`);
  const integer = (name: string, from: number, to: number): number => {
    const text = variables[name] ?? "";
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw invalid(name, `an integer from ${from} to ${to}`, JSON.stringify(text));
  };
  const size = integer("WORLD_SIZE", 1, 1_000_000);
  const rank = integer("RANK", 0, size - 1);
  const localSize = variables["LOCAL_WORLD_SIZE"] === undefined ? size : integer("LOCAL_WORLD_SIZE", 1, size);
  return {
    rank,
    size,
    localRank: variables["LOCAL_RANK"] === undefined ? rank % localSize : integer("LOCAL_RANK", 0, localSize - 1),
    localSize,
    address: variables["MASTER_ADDR"] ?? "",
    port: integer("MASTER_PORT", 1, 65_535),
    serve: rank === 0 && variables["TORCHELASTIC_USE_AGENT_STORE"] !== "True",
    prefix: `lapidary/${variables["TORCHELASTIC_RESTART_COUNT"] ?? 0}`,
  };
}
