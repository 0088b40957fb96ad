/** Studies: tens of models trained and compared, resumably. */
export {
  runStudy,
  type StudyOptions,
  type StudyOutcome,
  type StudyProgress,
  studyOf,
} from "./study.ts";
export { studyTables } from "./study-page.ts";
export type { StudyReport } from "./study-report.ts";
