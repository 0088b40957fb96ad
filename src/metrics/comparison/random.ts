/** A source of whole numbers, equally likely in `0 … below−1`, for `below` up to 2³². */
export type RandomInteger = (below: number) => number;

/**
 * Seeded random integers (the 32-bit generator sfc32, period about 2¹²⁸): the same seed gives the same sequence on
 * every machine. Bias is at most `below / 2³²`; not for secrets.
 */
export function seededIntegers(seed: number): RandomInteger {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  // The first outputs of neighbouring seeds are alike.
  for (let i = 0; i < 16; i++) next();
  return (below) => Math.floor((next() / 2 ** 32) * below);
}
