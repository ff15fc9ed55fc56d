/** Verifies a log of JSON entries against signed checkpoints. Streams with O(log n) hashes in memory. */
import type { Checkpoint } from '#tlog/checkpoint.ts';
import { GrowingTree, sameHash, type CompactRange, type Hash, type TreeHasher } from '#tlog/tree.ts';

/** Type of the entry after a restore of the database; its data has `size`, `before`, `after`. */
export const RESTORED_ENTRY = 'audit.restored';

export interface LogEntry {
  /** The position at the source; absent when only the body has it, as in an exported file. */
  readonly seq?: number;
  /** The canonical JSON, exactly as it was hashed. */
  readonly body: string;
  /** The stored hash, where it is known: identifies the edited entry. */
  readonly leaf?: Hash;
}

/** `from` and `to` count entries from 0; `to` is exclusive. */
export type LogFinding =
  /** Entries are missing. */
  | { readonly type: 'missing'; readonly from: number; readonly to: number }
  /** The body does not match its stored hash. */
  | { readonly type: 'edited'; readonly seq: number }
  /** The entry is at the position of another one. */
  | { readonly type: 'misplaced'; readonly seq: number; readonly ownNumber: number | undefined }
  /** A checkpoint covers other entries; one of these was changed. */
  | { readonly type: 'changed'; readonly from: number; readonly to: number; readonly checkpoint: Checkpoint }
  /** A checkpoint covers more entries. */
  | { readonly type: 'truncated'; readonly from: number; readonly to: number; readonly checkpoint: Checkpoint }
  /** The database was restored to an older state, as recorded: entries of a checkpoint after that state are missing. */
  | { readonly type: 'restored'; readonly from: number; readonly to: number; readonly checkpoint: Checkpoint }
  /** Signed with the key of this log, but for another branch: another copy of the database was in use. */
  | { readonly type: 'branch'; readonly checkpoint: Checkpoint };

export interface LogReport {
  readonly size: number;
  readonly root: Hash;
  readonly range: CompactRange;
  readonly findings: readonly LogFinding[];
  /** Checkpoints that match exactly. */
  readonly met: number;
  /** Entries below this are covered by a matching checkpoint. */
  readonly covered: number;
}

export interface LogVerifierOptions {
  /** State to continue from. */
  readonly from?: CompactRange;
  /** Maximum number of findings: one error can cause many. Default 100. */
  readonly limit?: number;
}

interface Restoration {
  readonly size: number;
  readonly before: string;
  readonly after: string;
}

export class LogVerifier {
  readonly #hasher: TreeHasher;
  readonly #tree: GrowingTree;
  readonly #limit: number;
  readonly #checkpoints: readonly Checkpoint[];
  readonly #findings: LogFinding[] = [];
  readonly #unmet: { readonly checkpoint: Checkpoint; readonly above: number }[] = [];
  readonly #restorations: Restoration[] = [];
  #next = 0;
  #met = 0;
  #covered = 0;
  #broken = false;
  /** Missing entries without positions in the tree. */
  #skipped = 0;
  /** An entry without `seq` whose own number is too high: the next entry decides whether others are missing. */
  #held: { readonly body: string; readonly ownNumber: number } | undefined;

  /** The signatures of `checkpoints` must be verified. They can come in any order. */
  constructor(hasher: TreeHasher, checkpoints: readonly Checkpoint[], options: LogVerifierOptions = {}) {
    this.#hasher = hasher;
    this.#tree = new GrowingTree(hasher, options.from);
    this.#limit = options.limit ?? 100;
    const start = this.#tree.size;
    this.#covered = start;
    this.#checkpoints = checkpoints.filter(({ size }) => size > start).toSorted((a, b) => a.size - b.size);
  }

  /** Number of entries up to the last added one, missing ones included. */
  get size(): number {
    return this.#tree.size + this.#skipped;
  }

  get range(): CompactRange {
    return this.#tree.range;
  }

  /** Entries come in the order of `seq`; all of them have it, or none. */
  add({ seq, body, leaf }: LogEntry): void {
    if (seq === undefined) this.#addUnnumbered(body);
    else this.#append(seq, body, leaf);
  }

  #addUnnumbered(body: string): void {
    const ownNumber = numberedAs(body, this.#held === undefined ? this.size : this.size + 1);
    this.#settleHeld(ownNumber);
    const position = this.size;
    if (ownNumber !== undefined && ownNumber > position) this.#held = { body, ownNumber };
    // A misplaced later entry: it takes no position of the following ones.
    else if (ownNumber !== undefined && ownNumber < position)
      this.#find({ type: 'misplaced', seq: position, ownNumber });
    else this.#append(position, body);
  }

  /**
   * The number of a held entry is accepted when the next entry continues from there: then the entries before it are
   * missing. Otherwise it was altered in place.
   */
  #settleHeld(nextNumber?: number): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    const position = this.size;
    if (nextNumber === position + 1) {
      this.#append(position, held.body);
      return;
    }
    this.#find({ type: 'missing', from: position, to: held.ownNumber });
    this.#broken = true;
    this.#skipped += held.ownNumber - position;
    this.#append(held.ownNumber, held.body);
  }

  #append(seq: number, body: string, stored?: Hash): void {
    const leaf = this.#hasher.leaf(body);
    if (seq > this.size) {
      this.#find({ type: 'missing', from: this.size, to: seq });
      this.#broken = true;
      // Their hashes are unknown; the positions of the others stay correct.
      while (this.size < seq) this.#tree.append(this.#hasher.empty);
    }
    if (stored !== undefined && !sameHash(stored, leaf)) this.#find({ type: 'edited', seq });
    if (!isNumbered(body, seq)) this.#find({ type: 'misplaced', seq, ownNumber: seqOf(body) });
    if (body.includes(`"${RESTORED_ENTRY}"`)) this.#readRestoration(body);
    this.#tree.append(leaf);
    for (
      let one = this.#checkpoints[this.#next];
      one !== undefined && one.size <= this.size;
      one = this.#checkpoints[this.#next]
    ) {
      this.#compare(one);
      this.#next += 1;
    }
  }

  /** `complete`: there are no further entries, so checkpoints over more cover missing entries. */
  end(complete = true): LogReport {
    if (complete) this.#settleHeld();
    const beyond = complete ? this.#checkpoints.slice(this.#next) : [];
    for (const { checkpoint, above } of this.#unmet) this.#judge(checkpoint, above, 'changed');
    for (const checkpoint of beyond) this.#judge(checkpoint, this.size, 'truncated');
    return {
      size: this.size,
      root: this.#tree.root(),
      range: this.#tree.range,
      findings: [...this.#findings],
      met: this.#met,
      covered: this.#covered,
    };
  }

  #compare(checkpoint: Checkpoint): void {
    // After a gap, no root can match: that would only repeat the finding.
    if (this.#broken) return;
    if (sameHash(checkpoint.root, this.#tree.root())) {
      this.#met += 1;
      this.#covered = checkpoint.size;
    } else this.#unmet.push({ checkpoint, above: this.#covered });
  }

  #judge(checkpoint: Checkpoint, from: number, otherwise: 'changed' | 'truncated'): void {
    const { origin, size: to } = checkpoint;
    const ended = this.#restorations.find(({ before }) => before === origin);
    if (ended !== undefined && to > ended.size) {
      this.#find({ type: 'restored', from: ended.size, to, checkpoint });
      return;
    }
    // Without a restore, the log has a single branch of any name.
    const known =
      this.#restorations.length === 0 || this.#restorations.some((one) => [one.before, one.after].includes(origin));
    this.#find(known ? { type: otherwise, from, to, checkpoint } : { type: 'branch', checkpoint });
  }

  #readRestoration(body: string): void {
    const entry = readJson(body);
    if (entry?.['type'] !== RESTORED_ENTRY) return;
    const { size, before, after } = (entry['data'] ?? {}) as Partial<Restoration>;
    if (typeof size === 'number' && typeof before === 'string' && typeof after === 'string') {
      this.#restorations.push({ size, before, after });
    }
  }

  #find(finding: LogFinding): void {
    if (this.#findings.length < this.#limit) this.#findings.push(finding);
  }
}

/** Canonical JSON has no spaces, and only numbers of the top level are followed by the next key. */
function isNumbered(body: string, seq: number): boolean {
  return body.includes(`"seq":${seq},"`);
}

/** The number in a body; `expected` is tried first, without parsing. */
function numberedAs(body: string, expected: number): number | undefined {
  if (isNumbered(body, expected)) return expected;
  const ownNumber = seqOf(body);
  return ownNumber !== undefined && Number.isSafeInteger(ownNumber) && ownNumber >= 0 ? ownNumber : undefined;
}

function seqOf(body: string): number | undefined {
  const seq = readJson(body)?.['seq'];
  return typeof seq === 'number' ? seq : undefined;
}

function readJson(body: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** A finding as a sentence. */
export function findingText(finding: LogFinding): string {
  if (finding.type === 'edited') return `Entry ${finding.seq} was edited: its text differs from the hashed one.`;
  if (finding.type === 'misplaced') {
    return `Entry ${finding.seq} is at a wrong position: its own number is ${finding.ownNumber ?? 'missing'}.`;
  }
  if (finding.type === 'branch') {
    const { size, origin } = finding.checkpoint;
    return `A checkpoint over ${size} entries was signed for "${origin}", which is not the origin of this log. Another copy of the database was used, or a restored one was restored again.`;
  }
  const { from, to } = finding;
  const texts = {
    missing: to - from === 1 ? `Entry ${from} is missing.` : `Entries ${from} to ${to - 1} are missing.`,
    changed: `The checkpoint over ${to} entries does not fit: among entries ${from} to ${to - 1} something was changed, removed or put in.`,
    truncated: `The end is cut off: a checkpoint was signed over ${to} entries, and there are ${from}.`,
    restored: `The database was restored to the state of entry ${from}; entries up to ${to - 1}, which a checkpoint had signed, are missing.`,
  };
  return texts[finding.type];
}
