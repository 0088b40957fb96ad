/** The part of every batch that one process reads. */
export interface Shard {
  readonly rank: number;
  readonly worldSize: number;
}
