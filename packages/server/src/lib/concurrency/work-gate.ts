/** What takes background work registers here, so that a draining node can count it and hand it over. */
export interface GatedWork {
  readonly unit: 'jobs' | 'steps';
  /** Number of units that run in this process. */
  readonly running: () => number;
  /** Hands over what still runs at the end of the time limit. Absent: it continues. */
  readonly interrupt?: () => void;
}

/** Whether this process takes new background work. Closed while its node drains. */
export class WorkGate {
  readonly #works: GatedWork[] = [];
  readonly #listeners = new Set<() => void>();
  #isOpen = true;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  set isOpen(value: boolean) {
    if (value === this.#isOpen) return;
    this.#isOpen = value;
    for (const listener of this.#listeners) listener();
  }

  register(work: GatedWork): void {
    this.#works.push(work);
  }

  /** Returns a function that stops listening. */
  listen(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  running(unit: GatedWork['unit']): number {
    return this.#works.reduce((sum, work) => sum + (work.unit === unit ? work.running() : 0), 0);
  }

  interrupt(): void {
    for (const work of this.#works) work.interrupt?.();
  }
}
