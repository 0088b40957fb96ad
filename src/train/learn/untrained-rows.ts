import { noGrad, Scope, type Tensor, where } from "../../torch/index.ts";

/** A table and what row-wise Adagrad remembers of its rows: 0 of one that nothing has been learned into. */
export interface LearnedTable {
  /** @shape [V, …] */
  readonly tensor: Tensor;
  /** @shape [V] */
  readonly moments: Tensor;
}

/** Rows that are looked through at once, so that a table is never copied whole. */
const BLOCK_ROWS = 65_536;

/**
 * Gives rows that no update has reached the values of row 0: `w_r ← w_0 where v_r = 0`. An id can have a row of its own and
 * no example that taught it: none whose labels are known, none that this model learns from, or one in the last batch, which
 * is not full and left out. Its row would say what was drawn for it; so it says what the model knows of new ids. Where row 0
 * has learned nothing either, rows stay as they are.
 */
export function shareUntrainedRows(tables: readonly LearnedTable[]): void {
  using _scope = new Scope();
  noGrad(() => {
    for (const { tensor, moments } of tables) {
      const [rows = 0] = moments.shape;
      if (moments.slice(0, 0, 1).eq(0).all().item() !== 0) continue;
      const shared = tensor.slice(0, 0, 1);
      for (let start = 0; start < rows; start += BLOCK_ROWS) {
        const end = Math.min(rows, start + BLOCK_ROWS);
        const untrained = moments.slice(0, start, end).eq(0);
        if (untrained.logicalNot().all().item() !== 0) continue;
        const block = tensor.slice(0, start, end);
        block.copy_(where(untrained.unsqueeze(1), shared, block));
      }
    }
  });
}
