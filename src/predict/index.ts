/** Rows of files, scored by a finished run and written as Parquet. */
export { type Predicted, type PredictOptions, predictFiles } from "./predict-files.ts";
