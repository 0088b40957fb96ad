import { LapidaryError } from "../../base/errors.ts";
import { parseInstant } from "../../base/instant.ts";
import { DAY_MS } from "../../base/units.ts";
import type { TrainingProgress } from "../../train/index.ts";
import type { Generated } from "../../transfer/index.ts";
import { defineCommand, type Outcome } from "../command.ts";
import { text } from "../option.ts";
import { formatCount } from "../screen/progress-line.ts";
import { formatPairs, formatTable } from "../screen/table.ts";
import { updateOf } from "./train.ts";

/** Lengths of a slice by name. @unit ms */
const SLICES: Readonly<Record<string, number>> = { day: DAY_MS, hour: 3_600_000 };

/** `lapidary generate NAME`: what a teacher says of logged examples, for all models that learn from it. */
export const generate = defineCommand({
  name: "generate",
  summary: "lets a teacher score logged examples, for other models to learn from",
  description:
    "Writes, once per example, a teacher's logit of every objective and its embedding of the user, into the knowledge " +
    "store. A run may only score what comes after the end of its training: of anything earlier it repeats the labels. " +
    "With --slices the teacher is trained slice by slice, each going on from the one before, and each slice is scored " +
    "before it is learned from; the runs are NAME@DATE, and those that are finished are not trained again. A teacher " +
    "that has a teacher itself learns from what that one has left.",
  args: [{ name: "NAME", description: "teacher: a model that reads histories, such as foundation", required: true }],
  options: {
    slices: text("LENGTH", "trains and scores slice by slice over the training window: day or hour"),
    run: text("NAME", "finished run that scores, without --slices (default: the one that train or transfer makes)"),
    from: text("TIME", "first time that is scored, without --slices (default: split.trainUntil)"),
    until: text("TIME", "time before which is scored, without --slices (default: split.testUntil)"),
  },
  readsProject: true,
  example: "lapidary generate foundation --slices day",
  resume: "Run the same command again: finished slices are not trained again, and nothing half-done is published.",
  run: async ({ args: [teacher = ""], options, signal, loadProject, progress, say }): Promise<Outcome> => {
    const { slices, run, from, until } = options;
    const project = await loadProject();
    const api = await import("../../transfer/index.ts");
    const { modelOf } = await import("../../train/index.ts");
    const { ProcessMesh } = await import("../../distributed/index.ts");
    const { timeSplitOf } = await import("../../data/index.ts");
    modelOf(project, teacher);
    const bar = (label: string, unit: string) => progress({ label: `${label} ${teacher}`, total: null, unit });
    const scoring = bar("generate", "examples");
    const onScore = (examples: number): void => scoring.update({ done: examples });
    if (slices === null) {
      const { trainUntilMs, testUntilMs } = timeSplitOf(project.split, "a teacher's knowledge");
      const fromMs = from === null ? trainUntilMs : instant("--from", from);
      const untilMs = until === null ? testUntilMs : instant("--until", until);
      const isTaught = api.teachingOf(project, teacher) !== null;
      const usual = isTaught ? api.transferRun(project, teacher) : teacher;
      const parts = [{ run: run ?? usual, fromMs, untilMs }];
      const generated = await api.generate(project, { teacher, parts, signal, onProgress: onScore });
      scoring.finish("");
      return finished(generated);
    }
    if (run !== null || from !== null || until !== null) throw usage("--slices", "neither --run, --from nor --until");
    const sliceMs = SLICES[slices];
    if (sliceMs === undefined) throw usage("--slices", `one of ${Object.keys(SLICES).join(", ")}`, slices);
    using mesh = ProcessMesh.single();
    const training = bar("train", "steps");
    const onTrain = (name: string, at: TrainingProgress): void => {
      const { detail = "", ...rest } = updateOf(at);
      training.update({ ...rest, detail: `${name}: ${detail}` });
    };
    const outcome = await api.generateSliced(project, {
      teacher,
      sliceMs,
      mesh,
      signal,
      onTrain,
      onScore,
      onNotice: say,
    });
    for (const shown of [training, scoring]) shown.finish("");
    if (outcome.kind === "finished") return finished(outcome.generated);
    const described = `stopped in ${outcome.run}; the same command goes on from there`;
    return { result: { stopped: true, run: outcome.run }, text: described, status: "stopped" };
  },
});

function finished(generated: Generated): Outcome {
  const { folder, examples, scored, snapshots } = generated;
  const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
  const rows = snapshots.map(({ run, horizonMs, fromMs, untilMs }) => [run, iso(horizonMs), iso(fromMs), iso(untilMs)]);
  const table = formatTable(["snapshot", "has learned until", "scores from", "until"], rows);
  const pairs = formatPairs([
    ["examples", formatCount(examples)],
    ["scored now", scored === 0 ? "none: this version was there" : formatCount(scored)],
    ["knowledge", folder],
  ]);
  return { result: generated, text: `${table}\n\n${pairs}` };
}

function instant(option: string, value: string): number {
  const ms = parseInstant(value);
  if (ms !== null) return ms;
  throw usage(option, 'a date such as "2022-04-18" or "2022-04-18T06:00:00Z"', value);
}

function usage(where: string, expected: string, got = "one of them"): LapidaryError {
  return new LapidaryError({ code: "USAGE", where, expected, got, hint: "Run `lapidary generate --help`." });
}
