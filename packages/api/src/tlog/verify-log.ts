/** Verifies a log of JSON entries against checkpoints that were signed while it grew. Streams: knows O(log n) hashes. */
import type { Checkpoint } from '#tlog/checkpoint.ts';
import { GrowingTree, sameHash, type CompactRange, type Hash, type TreeHasher } from '#tlog/tree.ts';

/** Type of the entry with which a log goes on after its database was restored; its data has `size`, `before`, `after`. */
export const RESTORED_ENTRY = 'audit.restored';

export interface LogEntry {
  /** Where the source keeps the entry; absent when only the body tells it, as in an exported file. */
  readonly seq?: number;
  /** The canonical JSON, exactly as it was hashed. */
  readonly body: string;
  /** What is stored beside it as its hash, where that is known: finds the very entry that was edited. */
  readonly leaf?: Hash;
}

/** `from` and `to` count entries from 0; `to` is exclusive. */
export type LogFinding =
  /** Entries are not there. */
  | { readonly type: 'missing'; readonly from: number; readonly to: number }
  /** The body is not the one that its stored hash was made of. */
  | { readonly type: 'edited'; readonly seq: number }
  /** Another entry belongs in its place. */
  | { readonly type: 'misplaced'; readonly seq: number; readonly says: number | undefined }
  /** A checkpoint was signed over other entries; one of these is not as it was. */
  | { readonly type: 'changed'; readonly from: number; readonly to: number; readonly checkpoint: Checkpoint }
  /** A checkpoint was signed when there were more entries. */
  | { readonly type: 'truncated'; readonly from: number; readonly to: number; readonly checkpoint: Checkpoint }
  /** The database was restored to an older state, and says so: what a checkpoint had signed after that state is gone. */
  | { readonly type: 'restored'; readonly from: number; readonly to: number; readonly checkpoint: Checkpoint }
  /** Signed with the key of this log, but for a branch that this log never was: another copy of the database went on. */
  | { readonly type: 'branch'; readonly checkpoint: Checkpoint };

export interface LogReport {
  readonly size: number;
  readonly root: Hash;
  readonly range: CompactRange;
  readonly findings: readonly LogFinding[];
  /** Checkpoints that were met exactly. */
  readonly met: number;
  /** Entries below this are covered by a checkpoint that was met. */
  readonly covered: number;
}

export interface LogVerifierOptions {
  /** Go on from here instead of from nothing. */
  readonly from?: CompactRange;
  /** Most findings that are kept: one fault may show in many places. Default 100. */
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
  /** Missing entries whose places the tree does not have. */
  #skipped = 0;
  /** An entry without `seq` whose own number is too high: the next entry decides whether others are missing. */
  #held: { readonly body: string; readonly says: number } | undefined;

  /** The signatures of `checkpoints` were verified before. They may come in any order. */
  constructor(hasher: TreeHasher, checkpoints: readonly Checkpoint[], options: LogVerifierOptions = {}) {
    this.#hasher = hasher;
    this.#tree = new GrowingTree(hasher, options.from);
    this.#limit = options.limit ?? 100;
    const start = this.#tree.size;
    this.#covered = start;
    this.#checkpoints = checkpoints.filter(({ size }) => size > start).toSorted((a, b) => a.size - b.size);
  }

  /** Entries of the log up to the last one that was added, missing ones included. */
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
    const says = numberedAs(body, this.#held === undefined ? this.size : this.size + 1);
    this.#settleHeld(says);
    const position = this.size;
    if (says !== undefined && says > position) this.#held = { body, says };
    // An entry from further up: it takes no place from those that follow.
    else if (says !== undefined && says < position) this.#find({ type: 'misplaced', seq: position, says });
    else this.#append(position, body);
  }

  /**
   * The number of a held entry is believed when the next entry goes on from there: then the entries before it are
   * missing. Otherwise it was altered in its place.
   */
  #settleHeld(nextSays?: number): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    const position = this.size;
    if (nextSays === position + 1) {
      this.#append(position, held.body);
      return;
    }
    this.#find({ type: 'missing', from: position, to: held.says });
    this.#broken = true;
    this.#skipped += held.says - position;
    this.#append(held.says, held.body);
  }

  #append(seq: number, body: string, stored?: Hash): void {
    const leaf = this.#hasher.leaf(body);
    if (seq > this.size) {
      this.#find({ type: 'missing', from: this.size, to: seq });
      this.#broken = true;
      // Their hashes are not known; the places of the others stay right.
      while (this.size < seq) this.#tree.append(this.#hasher.empty);
    }
    if (stored !== undefined && !sameHash(stored, leaf)) this.#find({ type: 'edited', seq });
    if (!isNumbered(body, seq)) this.#find({ type: 'misplaced', seq, says: seqOf(body) });
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

  /** `complete`: there are no more entries, so checkpoints over more are over entries that are gone. */
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
    // After a gap no root can be right: that would only repeat the finding.
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
    // Without any restoration in the log it has one branch, whatever that is called.
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

/** Canonical JSON has no blanks, and only numbers of the top level are followed by the key that comes next. */
function isNumbered(body: string, seq: number): boolean {
  return body.includes(`"seq":${seq},"`);
}

/** The number that a body gives itself; `expected` is tried first, without parsing. */
function numberedAs(body: string, expected: number): number | undefined {
  if (isNumbered(body, expected)) return expected;
  const says = seqOf(body);
  return says !== undefined && Number.isSafeInteger(says) && says >= 0 ? says : undefined;
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

/** A finding as a sentence for people. */
export function findingText(finding: LogFinding): string {
  if (finding.type === 'edited') return `Entry ${finding.seq} was edited: its text is not the one that was hashed.`;
  if (finding.type === 'misplaced') {
    return `Entry ${finding.seq} is not in its place: its own number is ${finding.says ?? 'missing'}.`;
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
    restored: `The database was restored to the state of entry ${from}; what a checkpoint had signed up to entry ${to - 1} is gone.`,
  };
  return texts[finding.type];
}
