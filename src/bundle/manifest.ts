/**
 * A bundle on disk, a folder of versions (src/files/versioned-folder.ts): all that serving needs of one model.
 *
 * ```
 * <bundle>/v1/manifest.json    {@link BundleManifest}, with size and SHA-256 of every other file
 * <bundle>/v1/…                the files that it lists, and no others
 * ```
 */
import { isPlainObject } from "../base/check.ts";
import type { Calibration } from "../features/calibration.ts";
import type { EventRules } from "../features/events/event-facts.ts";
import type { EventSchema } from "../features/schema.ts";
import type { FeatureSpec } from "../features/spec.ts";
import type { FileDigest } from "../files/file-writer.ts";
import { MANIFEST_FILE } from "../files/version.ts";
import type { UserRows } from "./graph-inputs.ts";
import { damaged, otherVersion, unsafe } from "./problems.ts";

const FORMAT = "lapidary-bundle";
const VERSION = 3;
/** Before version 3 no number had a scale: who reads only version 2 would leave one out. */
const READ_VERSIONS = [2, VERSION] as const;

/** What a bundle holds. */
export interface BundleManifest {
  readonly format: typeof FORMAT;
  readonly version: (typeof READ_VERSIONS)[number];
  /** `surface` is the one that it was trained for; null for all. */
  readonly model: { readonly name: string; readonly kind: string; readonly surface: string | null };
  /** Inputs and objectives, in the order of the graph's columns. */
  readonly spec: FeatureSpec;
  /** What the log's events hold: which outcomes are known when. */
  readonly schema: EventSchema;
  /** What else the project says of them: reported events are held to what its log was held to. */
  readonly events: EventRules;
  /** Newest past events that the model reads. */
  readonly history: number;
  readonly graph: { readonly file: string; readonly opset: number; readonly userRows: UserRows };
  /** File of each vocabulary by table (src/features/vocabulary.ts, encode()/decode()). */
  readonly vocabularies: Readonly<Record<string, string>>;
  /** File of each dictionary by category, `user` included (src/features/dictionary.ts), or the buckets of a hashed one. */
  readonly dictionaries: Readonly<Record<string, string | { readonly buckets: number }>>;
  /** What makes each objective's logit honest: one entry per objective of the spec, in its order. */
  readonly calibration: readonly Calibration[];
  /** What the model was made from. */
  readonly lineage: Readonly<Record<string, string>>;
  /** How good it was when it was exported; null where a metric is not defined. */
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Every file of the version but the manifest, by path. */
  readonly files: Readonly<Record<string, FileDigest>>;
}

/** A manifest before its files are known. */
export type BundleFacts = Omit<BundleManifest, "format" | "version" | "files">;

/** The manifest of facts and files. */
export function manifestOf(facts: BundleFacts, files: BundleManifest["files"]): BundleManifest {
  return { format: FORMAT, version: VERSION, ...facts, files };
}

/** Files that a manifest names, besides listing them. */
export function namedFiles({ graph, vocabularies, dictionaries }: BundleFacts): string[] {
  const ids = Object.values(dictionaries).filter((dictionary) => typeof dictionary === "string");
  return [graph.file, ...Object.values(vocabularies), ...ids];
}

/**
 * Whether a path may name a file of a bundle: relative, `/` between names, and never out of the folder or to the
 * manifest.
 */
export function isInside(path: string): boolean {
  if (path === MANIFEST_FILE || /[\\\0]/.test(path)) return false;
  return path.split("/").every((name) => name !== "" && name !== "." && name !== "..");
}

/**
 * Reads a manifest whose bytes have the digest that was published: what is checked here is that this version of
 * lapidary can read it, and that its paths stay inside.
 *
 * @throws {LapidaryError} BUNDLE_VERSION, BUNDLE_UNSAFE, BUNDLE_DAMAGED
 */
export function parseManifest(bytes: Uint8Array, where: string): BundleManifest {
  const parsed = parseJson(bytes);
  if (!isPlainObject(parsed)) throw damaged(where, { expected: "a JSON object", got: "something else" });
  const { format, version } = parsed;
  if (format !== FORMAT || !READ_VERSIONS.some((read) => read === version))
    throw otherVersion(where, `${format} ${version}`, `${FORMAT} ${READ_VERSIONS.join(" or ")}`);
  if (!hasShape(parsed))
    throw damaged(where, { expected: "all fields of a manifest", got: Object.keys(parsed).join(", ") });
  for (const path of Object.keys(parsed.files)) {
    if (!isInside(path)) throw unsafe(where, { expected: "paths that stay inside of the bundle", got: path });
  }
  const unlisted = namedFiles(parsed).find((path) => !Object.hasOwn(parsed.files, path));
  if (unlisted !== undefined) throw damaged(where, { expected: `${unlisted} among its files`, got: "no such file" });
  return parsed;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
}

function hasShape(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, unknown>> & BundleManifest {
  const { model, spec, schema, history, graph, files } = value;
  const records = [model, spec, schema, graph, value["vocabularies"], value["dictionaries"], value["lineage"]];
  if (!records.every(isPlainObject) || !isPlainObject(value["metrics"]) || !isPlainObject(files)) return false;
  if (!isEventRules(value["events"])) return false;
  if (!Number.isSafeInteger(history) || !isPlainObject(graph) || typeof graph["file"] !== "string") return false;
  if (graph["userRows"] !== "request" && graph["userRows"] !== "candidate") return false;
  const { calibration } = value;
  const objectives = isPlainObject(spec) ? spec["objectives"] : null;
  if (!Array.isArray(objectives) || !Array.isArray(calibration) || calibration.length !== objectives.length)
    return false;
  return Object.values(files).every(
    (entry) =>
      isPlainObject(entry) &&
      Number.isSafeInteger(entry["sizeBytes"]) &&
      /^[0-9a-f]{64}$/.test(String(entry["sha256"])),
  );
}

function isEventRules(events: unknown): boolean {
  if (!isPlainObject(events) || !isPlainObject(events["constants"]) || typeof events["timeUnit"] !== "string") {
    return false;
  }
  return Number.isFinite(events["earliestMs"]) && Number.isFinite(events["latestMs"]);
}
