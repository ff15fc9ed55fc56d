interface Piece {
  readonly key: string;
  readonly group: string;
  readonly stop: AbortController;
  done: Promise<void>;
}

/**
 * Work that this process does under claims. Once a claim has expired, its key can be claimed again, also by this process when it
 * was paused: what it still does under the expired claim then stops.
 */
export class ClaimedWork {
  readonly #pieces = new Set<Piece>();
  readonly #ended: () => void;

  /** `ended` is called after each piece. */
  constructor(ended: () => void) {
    this.#ended = ended;
  }

  get size(): number {
    return this.#pieces.size;
  }

  /** Number of pieces in a group. */
  sizeOf(group: string): number {
    return [...this.#pieces].filter((piece) => piece.group === group).length;
  }

  /** `work` must not fail. Earlier work for the same key stops with the reason `lost`. */
  start(key: string, group: string, lost: Error, work: (stop: AbortController) => Promise<void>): void {
    for (const earlier of this.#pieces) if (earlier.key === key) earlier.stop.abort(lost);
    const piece: Piece = { key, group, stop: new AbortController(), done: Promise.resolve() };
    this.#pieces.add(piece);
    piece.done = work(piece.stop).finally(() => {
      this.#pieces.delete(piece);
      this.#ended();
    });
  }

  abort(reason?: Error): void {
    for (const { stop } of this.#pieces) stop.abort(reason);
  }

  /** Waits for the end of all pieces. */
  async idle(): Promise<void> {
    await Promise.all([...this.#pieces].map(({ done }) => done));
  }
}
