/** Whether the server is reachable: updated by every request and every watch, shown in the frame. */

export type ConnectionState = 'connected' | 'reconnecting' | 'offline';

export interface ConnectionDependencies {
  /** Sends a small request to the server; rejects while it is unreachable. */
  readonly ask: () => Promise<unknown>;
  /** The network state of the browser. */
  readonly isOnline: () => boolean;
  /** A hidden page sends no heartbeat. */
  readonly isVisible: () => boolean;
  readonly after: (ms: number, then: () => void) => void;
}

/** Interval of retries while the server is unreachable. */
const RETRY_MS = 1500;
/** Interval of heartbeats. Pages with a live stream notice a lost server immediately; others depend on this. */
const HEARTBEAT_MS = 5000;

export class Connection {
  readonly #dependencies: ConnectionDependencies;
  readonly #listeners = new Set<() => void>();
  #state: ConnectionState = 'connected';

  constructor(dependencies: ConnectionDependencies) {
    this.#dependencies = dependencies;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Checks the server regularly, so that pages without a live stream notice that it is gone. */
  startHeartbeat(): void {
    this.#dependencies.after(HEARTBEAT_MS, () => {
      if (this.#state !== 'connected' || !this.#dependencies.isVisible()) {
        this.startHeartbeat();
        return;
      }
      this.#dependencies
        .ask()
        .catch(() => this.lost())
        .finally(() => this.startHeartbeat());
    });
  }

  /** A request could not reach the server: retries until it responds. */
  lost(): void {
    const before = this.#state;
    this.#set(this.#dependencies.isOnline() ? 'reconnecting' : 'offline');
    if (before === 'connected') this.#wait();
  }

  #wait(): void {
    this.#dependencies.after(RETRY_MS, () => {
      this.#dependencies.ask().then(
        () => this.#set('connected'),
        () => {
          this.#set(this.#dependencies.isOnline() ? 'reconnecting' : 'offline');
          this.#wait();
        },
      );
    });
  }

  #set(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
