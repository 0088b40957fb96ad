import { readFileSync } from "node:fs";
import { asRoot, type Check, ok, SET_UP } from "./check.ts";

/** The operating system, as far as set-up depends on it. */
export interface System {
  /** As `ID` of /etc/os-release has it; `darwin` for macOS. */
  readonly id: string;
  readonly version: string;
  /** As Node names it: `x64`, `arm64`. */
  readonly architecture: string;
}

interface Support {
  readonly name: string;
  /** The versions on which the whole suite has passed, by architecture. */
  readonly tested: Readonly<Record<string, readonly string[]>>;
  /** The command that installs compiler and tools, as root where `asRoot`. */
  readonly tools: string;
  readonly asRoot: boolean;
  /** Whether the system's packages have a libtorch that is new enough. */
  readonly hasLibtorch: boolean;
}

const APT = "apt-get install -y --no-install-recommends g++ cmake make";
const SYSTEMS: Readonly<Record<string, Support>> = {
  debian: { name: "Debian", tested: { x64: ["12", "13"] }, tools: APT, asRoot: true, hasLibtorch: true },
  ubuntu: { name: "Ubuntu", tested: {}, tools: APT, asRoot: true, hasLibtorch: false },
  fedora: { name: "Fedora", tested: {}, tools: "dnf install -y gcc-c++ cmake make", asRoot: true, hasLibtorch: false },
  darwin: {
    name: "macOS",
    tested: {},
    tools: "xcode-select --install; brew install cmake libomp",
    asRoot: false,
    hasLibtorch: false,
  },
};

/** Reads which system this is. */
export function readSystem(): System {
  const architecture = process.arch;
  if (process.platform !== "linux") return { id: process.platform, version: "", architecture };
  try {
    return { ...parseRelease(readFileSync("/etc/os-release", "utf8")), architecture };
  } catch {
    return { id: "linux", version: "", architecture };
  }
}

/** `ID` and `VERSION_ID` of the text of /etc/os-release. */
export function parseRelease(text: string): { readonly id: string; readonly version: string } {
  const field = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return { id: field("ID"), version: field("VERSION_ID") };
}

/** Whether this system is one on which all was tested; if not, what it needs. */
export function checkSystem({ id, version, architecture }: System): Check {
  const support = SYSTEMS[id];
  const found = [`${support?.name ?? id} ${version}`.trim(), architecture].join(", ");
  if (support?.tested[architecture]?.includes(version)) return ok("system", `${found}: tested`);
  return { name: "system", state: "absent", found: `${found}: untested`, fix: needs(support) };
}

function needs(support: Support | undefined): string {
  if (support === undefined) return `a C++17 compiler, cmake, make and libtorch: ${withLibtorch()}`;
  const tools = support.asRoot ? asRoot(support.tools) : support.tools;
  return `${tools}; ${support.hasLibtorch ? SET_UP : withLibtorch()}`;
}

/** For a libtorch of PyTorch's own, unpacked. */
function withLibtorch(): string {
  return SET_UP.replace("npm run", "LIBTORCH=/path/to/libtorch npm run");
}
