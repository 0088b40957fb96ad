import type { RunConfig } from "../train/run/run-config.ts";

/** What one transfer was worth. */
export interface TransferEvaluation {
  readonly run: string;
  /** Run of the same vertical model without a teacher. */
  readonly alone: string;
  readonly teacher: string;
  /** {@link transferRatio} by objective. */
  readonly ratios: Readonly<Record<string, number | null>>;
}

/** A run, and its normalized entropy by objective. */
export interface MeasuredRun {
  readonly run: string;
  readonly config: RunConfig;
  readonly normalizedEntropy: Readonly<Record<string, number | null>>;
}

/**
 * Share of the teacher's advantage that reaches the student: `(NE_alone − NE_student) / (NE_alone − NE_teacher)`; null
 * where the teacher has none over the vertical model alone.
 *
 * @see arXiv 2605.29280 (transfer ratio)
 */
export function transferRatio(of: { alone: number; teacher: number; student: number }): number | null {
  const gain = of.alone - of.teacher;
  return gain > 0 ? (of.alone - of.student) / gain : null;
}

/** The transfers among some runs: of each, the first run of its model alone and the first of its teacher are taken. */
export function transfersOf(runs: readonly MeasuredRun[]): readonly TransferEvaluation[] {
  return runs.flatMap((student) => {
    const { name, model } = student.config;
    if (model.teacher === undefined) return [];
    const alone = runs.find(({ config }) => config.name === name && config.model.teacher === undefined);
    const teacher = runs.find(({ config }) => config.name === model.teacher);
    if (alone === undefined || teacher === undefined) return [];
    const ratios = Object.keys(student.normalizedEntropy).map((objective) => {
      const [a, t, s] = [alone, teacher, student].map((run) => run.normalizedEntropy[objective] ?? Number.NaN);
      return [objective, transferRatio({ alone: a ?? 0, teacher: t ?? 0, student: s ?? 0 })] as const;
    });
    return [{ run: student.run, alone: alone.run, teacher: teacher.run, ratios: Object.fromEntries(ratios) }];
  });
}
