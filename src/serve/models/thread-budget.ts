/** Threads that there are, and who wants some. */
export interface ThreadBudget {
  /** Cores of the machine: threads for all models together. */
  readonly cores: number;
  /** Models that share them. */
  readonly models: number;
  /** Threads that other models have. */
  readonly taken: number;
}

/**
 * Threads of one model: its share of the cores, of those that are left, and at least one,
 * `max(1, min(⌊cores / models⌋, cores − taken))`. So all models together have fewer than `cores + models`.
 */
export function threadsOf({ cores, models, taken }: ThreadBudget): number {
  return Math.max(1, Math.min(Math.floor(cores / models), cores - taken));
}
