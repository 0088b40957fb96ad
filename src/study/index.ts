/** Studies: tens of models trained and compared, resumably. */
export {
  runStudy,
  type StudyOptions,
  type StudyOutcome,
  type StudyProgress,
  type StudyReport,
  studyOf,
} from "./study.ts";
export { studyTables } from "./study-page.ts";
