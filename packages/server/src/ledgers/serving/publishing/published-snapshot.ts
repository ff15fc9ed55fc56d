/** The published snapshot of this node, for gateways that fetch it from here. */
import { EventEmitter, once } from 'node:events';
import type { Snapshot } from '@dais/api/gateway';

export class PublishedSnapshot {
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #current: Snapshot | undefined;

  /** Undefined before the first publication. */
  get current(): Snapshot | undefined {
    return this.#current;
  }

  set(snapshot: Snapshot): void {
    this.#current = snapshot;
    this.#changes.emit('change');
  }

  /** Waits until there is another revision than `known`, for at most `ms` and until `signal` aborts. */
  async waitForChange(known: number | undefined, ms: number, signal: AbortSignal): Promise<void> {
    const ending = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    while (this.#current?.revision === known && !ending.aborted) {
      await once(this.#changes, 'change', { signal: ending }).catch(() => {});
    }
  }
}
