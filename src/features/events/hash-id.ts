const ENCODER = new TextEncoder();

/** A 64-bit hash as two unsigned halves. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/**
 * FNV-1a of an id's UTF-8 bytes: `h ← (h xor byte) · (2⁴⁰ + 435) mod 2⁶⁴`. The same on every machine and version, as
 * codes live longer than processes.
 *
 * @see draft-eastlake-fnv
 */
export function fnv1a64(text: string): Hash64 {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of ENCODER.encode(text)) {
    low = (low ^ byte) >>> 0;
    const product = low * 435; // below 2⁴¹: exact
    high = (Math.imul(high, 435) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return { high, low };
}

/** Code of an id in a table of shared rows: `1 + FNV-1a(id) mod buckets`, never 0. `buckets` is at most 2³⁰. */
export function hashId(id: string, buckets: number): number {
  const { high, low } = fnv1a64(id);
  // Horner's rule in base 2¹⁶ keeps every product below 2⁵³.
  const upper = ((high % buckets) * 65_536 + (low >>> 16)) % buckets;
  return 1 + ((upper * 65_536 + (low & 0xffff)) % buckets);
}
