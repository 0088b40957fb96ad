import type { Column } from "../store/column.ts";
import type { ListsColumn, VectorColumn } from "../store/content-column.ts";

/** Where the facts of a batch's own examples are read by their rows, in the codes of the store. */
export interface ExampleFacts {
  /** @throws {LapidaryError} STORE_COLUMN if there is none of this name */
  column(name: string): Pick<Column, "at">;
  /** @throws {LapidaryError} STORE_COLUMN if there is none of this name */
  vectors(name: string): Pick<VectorColumn, "slice">;
  /** @throws {LapidaryError} STORE_COLUMN if there is none of this name */
  lists(name: string): ListsColumn;
}
