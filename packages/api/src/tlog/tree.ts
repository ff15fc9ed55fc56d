/**
 * The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1 has the same hashes) over the entries of a log, and its proofs. Hashes
 * are passed in, so that it runs wherever SHA-256 does: in a server, a command line and a browser.
 */

export type Hash = Uint8Array;

export interface TreeHasher {
  /** SHA-256(0x00 ‖ entry as UTF-8) */
  leaf(entry: string): Hash;
  /** SHA-256(0x01 ‖ left ‖ right) */
  node(left: Hash, right: Hash): Hash;
  /** SHA-256 of nothing: the root of a log without entries. */
  readonly empty: Hash;
}

/** A complete subtree of 2^level leaves, the index-th of its level from the left. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Hash;
}

/** The state for appending to a log: its size and the roots of its complete subtrees, largest first. */
export interface CompactRange {
  readonly size: number;
  readonly hashes: readonly Hash[];
}

/** Grows by one leaf at a time in amortized O(1), with only O(log n) hashes. */
export class GrowingTree {
  readonly #hasher: TreeHasher;
  readonly #stack: Hash[];
  #size: number;

  constructor(hasher: TreeHasher, from: CompactRange = { size: 0, hashes: [] }) {
    if (from.hashes.length !== onesOf(from.size))
      throw new Error(`${from.hashes.length} hashes for ${from.size} leaves`);
    this.#hasher = hasher;
    this.#stack = [...from.hashes];
    this.#size = from.size;
  }

  get size(): number {
    return this.#size;
  }

  get range(): CompactRange {
    return { size: this.#size, hashes: [...this.#stack] };
  }

  /** `completed` receives each subtree of two or more leaves that this leaf completes, the smallest first. */
  append(leaf: Hash, completed?: (node: TreeNode) => void): void {
    let hash = leaf;
    let index = this.#size;
    for (let level = 1; index % 2 === 1; level++) {
      // The stack holds one hash for each bit that is set in the size.
      hash = this.#hasher.node(this.#stack.pop() as Hash, hash);
      index = Math.floor(index / 2);
      completed?.({ level, index, hash });
    }
    this.#stack.push(hash);
    this.#size += 1;
  }

  root(): Hash {
    return rangeRoot(this.#hasher, this.range);
  }
}

/** The root of the log of a range. */
export function rangeRoot(hasher: TreeHasher, { hashes }: CompactRange): Hash {
  return (
    hashes.reduceRight<Hash | undefined>(
      (right, left) => (right === undefined ? left : hasher.node(left, right)),
      undefined,
    ) ?? hasher.empty
  );
}

/** The complete subtrees that make up leaves `from` to `to` (exclusive), left to right; `from` must start each of them. */
export function coveringNodes(from: number, to: number): { readonly level: number; readonly index: number }[] {
  const nodes = [];
  for (let at = from; at < to;) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= to) {
      width *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/**
 * Returns the hash of leaves `from` to `to` (exclusive) of a log: MTH of RFC 6962 over a part that is one of its
 * subtrees.
 */
export type PartHash = (from: number, to: number) => Promise<Hash>;

/** PATH(index, D[size]) of RFC 6962 §2.1.1, from the leaf upwards. `index` < `size`. */
export async function inclusionPath(index: number, size: number, part: PartHash): Promise<Hash[]> {
  const path: Hash[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      path.push(await part(middle, to));
      to = middle;
    } else {
      path.push(await part(from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** PROOF(old, D[size]) of RFC 6962 §2.1.2. 0 < `old` <= `size`; empty when they are equal. */
export async function consistencyPath(old: number, size: number, part: PartHash): Promise<Hash[]> {
  const path: Hash[] = [];
  let [from, to] = [0, size];
  let whole = true;
  while (to !== old) {
    const middle = from + largestPowerBelow(to - from);
    if (old <= middle) {
      path.push(await part(middle, to));
      to = middle;
    } else {
      path.push(await part(from, middle));
      from = middle;
      whole = false;
    }
  }
  if (!whole) path.push(await part(from, to));
  return path.reverse();
}

/** The root of a leaf and its path (RFC 9162 §2.1.3.2); undefined when the path has a wrong length. */
export function rootOfInclusion(
  hasher: TreeHasher,
  proof: { readonly index: number; readonly size: number; readonly leaf: Hash; readonly path: readonly Hash[] },
): Hash | undefined {
  let { index: at, leaf: root } = proof;
  if (at >= proof.size) return undefined;
  let last = proof.size - 1;
  for (const hash of proof.path) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      root = hasher.node(hash, root);
      while (at % 2 === 0 && at !== 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else root = hasher.node(root, hash);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? root : undefined;
}

/** True when `path` proves that the log of `size` leaves starts with the log of `old` leaves (RFC 9162 §2.1.4.2). */
export function provesConsistency(
  hasher: TreeHasher,
  proof: {
    readonly old: number;
    readonly oldRoot: Hash;
    readonly size: number;
    readonly root: Hash;
    readonly path: readonly Hash[];
  },
): boolean {
  const { old, size, oldRoot, root } = proof;
  if (old === size) return proof.path.length === 0 && sameHash(oldRoot, root);
  if (old === 0) return proof.path.length === 0;
  if (old > size) return false;
  const path = isPowerOfTwo(old) ? [oldRoot, ...proof.path] : [...proof.path];
  let [at, last] = [old - 1, size - 1];
  while (at % 2 === 1) {
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  let first = path[0];
  if (first === undefined) return false;
  let second = first;
  for (const hash of path.slice(1)) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      first = hasher.node(hash, first);
      second = hasher.node(hash, second);
      while (at % 2 === 0 && at !== 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else second = hasher.node(second, hash);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && sameHash(first, oldRoot) && sameHash(second, root);
}

export function sameHash(one: Hash, other: Hash): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** The largest power of two below `n` > 1. */
function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

function isPowerOfTwo(n: number): boolean {
  return onesOf(n) === 1;
}

/** The number of set bits; sizes can exceed the 32 bits of JavaScript's own operators. */
function onesOf(n: number): number {
  let ones = 0;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
