import { HASHES_KEY, hashesKey, type Page, type UserPages } from "./user-pages.ts";

const WIDTH = 4;
/** Most hashes of one page: half a page of LMDB. */
const PAGE_HASHES = 480;

/** A hash of an event's id: FNV-1a of its UTF-16 code units. */
export function idHash(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** True if an event with such an id may be there; if not, there is none. */
export function hasHash(pages: UserPages, hash: number): boolean {
  const page = pages.floor(hashesKey(hash));
  if (page === undefined) return false;
  return hashesOf(page.value).includes(hash);
}

/** The pages of hashes that change if these are added. */
export function withHashes(pages: UserPages, added: readonly number[]): readonly Page[] {
  const changed = new Map<string, { readonly key: Buffer; readonly hashes: Set<number> }>();
  for (const hash of added) {
    const { key, value } = pages.floor(hashesKey(hash)) ?? { key: HASHES_KEY, value: Buffer.alloc(0) };
    const name = key.toString("latin1");
    const page = changed.get(name) ?? { key, hashes: new Set(hashesOf(value)) };
    changed.set(name, page);
    page.hashes.add(hash);
  }
  return [...changed.values()].flatMap(({ key, hashes }) => cut(key, Uint32Array.from(hashes).sort()));
}

/** Sorted hashes as the page of `key` and, if there are too many, further ones of the same size. */
function cut(key: Buffer, hashes: Uint32Array): Page[] {
  const numPages = Math.ceil(hashes.length / PAGE_HASHES);
  return Array.from({ length: numPages }, (_, i) => {
    const start = Math.round((i * hashes.length) / numPages);
    const part = hashes.subarray(start, Math.round(((i + 1) * hashes.length) / numPages));
    const value = Buffer.allocUnsafe(part.length * WIDTH);
    for (const [k, hash] of part.entries()) value.writeUInt32BE(hash, k * WIDTH);
    return { key: i === 0 ? key : hashesKey(part[0]!), value };
  });
}

function hashesOf(value: Buffer): Uint32Array {
  return Uint32Array.from({ length: value.length / WIDTH }, (_, i) => value.readUInt32BE(i * WIDTH));
}
