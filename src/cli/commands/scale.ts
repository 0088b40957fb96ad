import type { StudyOutcome, StudyProgress } from "../../study/index.ts";
import { defineCommand, type Invocation, type Outcome } from "../command.ts";
import { knownTruth } from "../known-truth.ts";
import { flag, integer, list } from "../option.ts";
import { formatDuration } from "../screen/progress-line.ts";
import { tableText } from "./evaluate.ts";

const OPTIONS = {
  parallel: integer("N", "models trained at a time (default: as many as cores and memory allow)", {
    minimum: 1,
    fallback: null,
  }),
  worlds: list("DIR,…", "other projects in which the same study is done, each of another world, told together with it"),
  fresh: flag("moves the study's earlier runs aside and starts over"),
};

/** `lapidary scale STUDY…`: trains and compares the models of studies, or goes on where it was stopped. */
export const scale = defineCommand({
  name: "scale",
  summary: "studies of many models: scaling, ablations, light variants, seeds to a target",
  description:
    "Does a study of the configuration's `studies`, or all of them. `scaling`: families over sizes and amounts of data, " +
    "NE against FLOPs, seconds and bytes, and what one family costs where it is as good as another. `ablation`: one thing changed " +
    "at a time, paired differences and cost. `lightweight`: whether a light model ranks the same changes as the full " +
    "one. `target`: window after window in order of time, each scored before it is learned from, and what seeds need " +
    "until an NE is reached. Every model makes one pass, and is evaluated on the days that follow; intervals are over " +
    "seeds and users. Models are ordinary runs in runs/studies/STUDY, each in a process of its own; the report lies " +
    "beside them. What is finished is not trained again; its small results are kept in studies/STUDY of the project's " +
    "folder, for its repository, and a study goes on from them even where its runs are gone.",
  args: [{ name: "STUDY", description: "study of the configuration (default: all)", required: false, many: true }],
  options: OPTIONS,
  readsProject: true,
  example: "lapidary scale scaling --parallel 2",
  resume: "Run the same command again, without --fresh: runs go on from their last checkpoints.",
  run: async ({
    args,
    options: { parallel, fresh, worlds },
    signal,
    loadProject,
    progress,
    say,
  }: Invocation<typeof OPTIONS>) => {
    const project = await loadProject();
    const { runStudy, studyOf, studyTables } = await import("../../study/index.ts");
    const known = await knownTruth(project);
    const names = args.length > 0 ? args : Object.keys(project.studies);
    // A name that is none must not be found after hours.
    for (const name of names.length > 0 ? names : [""]) studyOf(project, name);
    const ended: [string, Finished][] = [];
    for (const study of names) {
      const shown = progress({ label: `scale ${study}`, total: null, unit: "models", isSteady: false });
      const onProgress = (at: StudyProgress): void => shown.update(updateOf(at));
      const outcome = await runStudy(project, {
        study,
        parallel,
        fresh,
        worlds,
        signal,
        onProgress,
        onNotice: say,
        ...known,
      });
      shown.finish("");
      if (outcome.kind === "stopped") return stopped(study, outcome, fresh);
      ended.push([study, outcome]);
    }
    const text = ended.map(([study, { report, page }]) =>
      [`${study}:`, ...studyTables(report).map(tableText), `report: ${page}`].join("\n\n"),
    );
    const results = ended.map(([study, { report, page, json }]) => [study, { ...report, page, json }] as const);
    return { result: { studies: Object.fromEntries(results) }, text: text.join("\n\n") } satisfies Outcome;
  },
});

type Finished = Extract<StudyOutcome, { readonly kind: "finished" }>;

function stopped(
  study: string,
  { done, total }: Extract<StudyOutcome, { readonly kind: "stopped" }>,
  fresh: boolean,
): Outcome {
  const again = fresh ? "the same command without --fresh" : "the same command";
  const text = `stopped with ${done} of ${total} models of ${study} finished; ${again} goes on from there`;
  return { result: { stopped: true, study, done, total }, text, status: "stopped" };
}

function updateOf({ done, total, running, secondsLeft }: StudyProgress): {
  done: number;
  total: number;
  detail: string;
} {
  const under = running.map(({ run, trained }) => `${run.split("/").at(-1)} ${Math.floor(100 * trained)}%`);
  const left = secondsLeft === null ? [] : [`about ${formatDuration(secondsLeft)} left`];
  return { done, total, detail: [...left, ...under].join(", ") };
}
