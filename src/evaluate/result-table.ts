import type { Cell, TableColumn } from "../report/html.ts";

/** A table as plain cells: for a page, or for a terminal. */
export interface ResultTable {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Cell[])[];
}
