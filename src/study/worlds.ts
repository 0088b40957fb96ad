/** The same study on several worlds: what it says of each, and what that says of worlds like them. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { ResultTable } from "../evaluate/index.ts";
import type { Interval } from "../metrics/comparison/seed-interval.ts";
import { studentQuantile } from "../metrics/comparison/student.ts";
import { axisText, COST_TEXTS } from "./curves/tables.ts";
import { studyFolder } from "./plan.ts";
import { REPORT_FILE, type StudyReport, type StudyResult, type WorldQuantity } from "./study-report.ts";
import { type Format, intervalText, difference as signed } from "./study-tables.ts";

type Quantity = Pick<WorldQuantity, "name" | "kind"> & { readonly value: number | null };

/**
 * Mean over worlds with a t-interval of their spread: each world is one draw, in which the chance of its users and seeds
 * is contained. Of ratios the geometric mean.
 */
export function overWorlds(values: readonly (number | null)[], kind: WorldQuantity["kind"] = "difference"): Interval {
  const known = values.flatMap((value) => (value === null ? [] : [kind === "ratio" ? Math.log(value) : value]));
  if (known.length < values.length || known.length === 0) return { mean: null, low: null, high: null };
  const n = known.length;
  const mean = known.reduce((sum, value) => sum + value, 0) / n;
  const back = (value: number): number => (kind === "ratio" ? Math.exp(value) : value);
  if (n < 2) return { mean: back(mean), low: null, high: null };
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = studentQuantile(0.95, n - 1) * Math.sqrt(variance / n);
  return { mean: back(mean), low: back(mean - half), high: back(mean + half) };
}

/** The numbers of a study on each world, in the order of the reports. @throws {LapidaryError} STUDY_WORLD if they are of other models */
export function worldQuantities(reports: readonly StudyReport[]): readonly WorldQuantity[] {
  const [first = [], ...others] = reports.map(({ result }) => quantitiesOf(result));
  return first.map(({ name, kind, value }) => {
    const same = others.map((quantities) => quantities.find((one) => one.name === name));
    if (same.includes(undefined))
      throw otherStudy(reports[0]?.study ?? "", `${name} of every world`, "a world without it");
    const byWorld = [value, ...same.map((one) => one?.value ?? null)];
    return { name, kind, byWorld, over: overWorlds(byWorld, kind) };
  });
}

/** Reads what a study found in another project, which has its runs where this one has. @throws {LapidaryError} STUDY_WORLD */
export function readReport(
  folder: string,
  { root, runs }: Pick<ProjectConfig, "root" | "runs">,
  study: string,
): StudyReport {
  const file = join(resolve(folder), relative(root, runs), studyFolder(study), REPORT_FILE);
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as StudyReport;
  throw otherStudy(folder, `a finished study ${study}`, `no file ${file}`);
}

/** One row per number: on each world, and over them. None of a study on one world. */
export function worldTables({ overWorlds: quantities = [] }: Pick<StudyReport, "overWorlds">): readonly ResultTable[] {
  if (quantities.length === 0) return [];
  const worlds = quantities[0]?.byWorld.length ?? 0;
  const format = (kind: WorldQuantity["kind"]): Format => (kind === "ratio" ? (value) => value.toPrecision(3) : signed);
  const table: ResultTable = {
    columns: [
      { label: "number" },
      ...Array.from({ length: worlds }, (_, world) => ({ label: world === 0 ? "this world" : `world ${world + 1}` })),
      { label: `over ${worlds} worlds [95%]` },
    ],
    rows: quantities.map(({ name, kind, byWorld, over }) => [
      name,
      ...byWorld.map((value) => (value === null ? null : format(kind)(value))),
      over.mean === null
        ? `not told of ${byWorld.filter((value) => value === null).length}`
        : intervalText(over, format(kind)),
    ]),
  };
  return [table];
}

function quantitiesOf(result: StudyResult): readonly Quantity[] {
  switch (result.kind) {
    case "scaling": {
      const { families, slopeRatios, efficiency, differences } = result;
      const baseline = families[0]?.name ?? "";
      return [
        ...families.flatMap(({ name, lines }) =>
          lines.map(({ axis, slope }) => difference(`${name}: NE per tenfold ${axisText(axis)}`, slope.mean)),
        ),
        ...slopeRatios.map((one) =>
          ratio(
            `slope of ${one.family} ÷ ${baseline}, ${axisText(one.axis)}`,
            one.baselineFalls ? one.ratio.mean : null,
          ),
        ),
        ...efficiency.map((one) =>
          ratio(`${COST_TEXTS[one.cost].name} of ${baseline} ÷ ${one.family}, ${one.size}, at its NE`, one.ratio.mean),
        ),
        ...differences.map((one) =>
          difference(`ΔNE, ${one.family} ${one.size} − ${baseline} ${one.baselineSize}`, one.difference.mean),
        ),
      ];
    }
    case "ablation":
      return result.variants.flatMap((one) =>
        one.difference === null ? [] : [difference(`ΔNE, ${one.variant}`, one.difference.mean)],
      );
    case "target":
      return result.toTarget === null ? [] : [ratio("samples to the target", result.toTarget.examples.mean)];
    case "lightweight":
      return [];
  }
}

function difference(name: string, value: number | null): Quantity {
  return { name, kind: "difference", value };
}

function ratio(name: string, value: number | null): Quantity {
  return { name, kind: "ratio", value };
}

function otherStudy(where: string, expected: string, got: string): LapidaryError {
  const hint = "Do the same study in each project first: equal models, sizes, amounts and window.";
  return new LapidaryError({ code: "STUDY_WORLD", where, expected, got, hint });
}
