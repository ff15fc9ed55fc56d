import { DaisError, eventTypes, type Resource } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import {
  decodePosition,
  encodePosition,
  readCursor,
  readEvents,
  type CursorState,
  type SequencedEvent,
} from '#kernel/events.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import { SEQUENCED_CHANNEL } from '#kernel/sequencer.ts';
import { presentResource, readByUid } from '#kernel/store.ts';
import { tenantNames } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';

/** An event with the current state of its resource; shared by all watchers of this process. */
export interface HubFrame {
  readonly event: SequencedEvent;
  /** Absent if the event has no subject, or the subject was deleted since (its deletion follows). */
  readonly object: Resource | undefined;
  /** Name of the event's tenant. */
  readonly project: string;
}

interface Watcher {
  readonly matches: (frame: HubFrame) => boolean;
  readonly queue: HubFrame[];
  wake: (() => void) | undefined;
  overrun: boolean;
}

/**
 * Maximum pending frames of a slow watcher; beyond it the stream ends, and the client resumes from its last position.
 */
const MAX_BEHIND = 2000;
const BATCH = 500;

/**
 * One reader of the event stream per process for any number of watchers: each batch is read once, its resources are
 * loaded once, and every watcher gets the frames that match its filter.
 */
export class WatchHub {
  readonly #database: Database;
  readonly #loop: Loop;
  readonly #watchers = new Set<Watcher>();
  #cursor: CursorState | undefined;

  constructor(database: Database, dependencies: LoopDependencies) {
    this.#database = database;
    // Requests are answered while the node drains.
    this.#loop = new Loop('watch', { ...dependencies, pollMs: 1000, gate: undefined }, () => this.#turn());
  }

  async start(): Promise<void> {
    await this.#loop.start((ring) => this.#database.listen(SEQUENCED_CHANNEL, ring));
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    for (const watcher of this.#watchers) watcher.wake?.();
  }

  /** How many watch, and how long ago the stream was last read; for /readyz and /metrics. */
  stats(): { readonly watchers: number; readonly ageMs: number } {
    return { watchers: this.#watchers.size, ageMs: this.#loop.age };
  }

  /**
   * Yields every matching frame after `from` (default: from now on), until the signal aborts. Yields a position without
   * a frame (`bookmark`) when it has caught up, so that an idle stream can be resumed too.
   * @throws DaisError `cursor_expired`, `invalid_cursor`; `cursor_expired` also if the reader is too slow.
   */
  async *watch(
    from: string | undefined,
    matches: (frame: HubFrame) => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly position: string; readonly frame?: HubFrame }> {
    const watcher: Watcher = { matches, queue: [], wake: undefined, overrun: false };
    // Registered before the past is read: frames that are published meanwhile wait in the queue, so none is lost.
    this.#watchers.add(watcher);
    const onAbort = () => watcher.wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      const cursor = await this.#follow();
      let seq = from === undefined ? cursor.seq : decodePosition(from, cursor);
      for (;;) {
        const frames = await this.#load(seq);
        for (const frame of frames) {
          if (matches(frame)) yield { position: encodePosition(cursor.epoch, frame.event.seq), frame };
          if (signal.aborted) return;
        }
        seq = frames.at(-1)?.event.seq ?? seq;
        if (frames.length < BATCH) break;
      }
      yield { position: encodePosition(cursor.epoch, seq) };
      while (!signal.aborted) {
        for (;;) {
          const frame = watcher.queue.shift();
          if (frame === undefined) break;
          if (frame.event.seq <= seq) continue;
          seq = frame.event.seq;
          yield { position: encodePosition(cursor.epoch, seq), frame };
          if (signal.aborted) return;
        }
        if (watcher.overrun)
          throw new DaisError('cursor_expired', 'The client is too slow. Resume from its last position.');
        await new Promise<void>((resolve) => {
          watcher.wake = resolve;
          if (watcher.queue.length > 0 || watcher.overrun || signal.aborted) resolve();
        });
        watcher.wake = undefined;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#watchers.delete(watcher);
    }
  }

  /** The current end of the stream. From there on, at the latest, frames are published. */
  async #follow(): Promise<CursorState> {
    const cursor = await transact(this.#database, { mode: 'read', projectId: 'all' }, (tx) => readCursor(tx.sql));
    if (this.#cursor === undefined) {
      this.#cursor = cursor;
      this.#loop.wake();
    }
    return cursor;
  }

  async #turn(): Promise<boolean> {
    // Without watchers, events need not be read, because each new watcher starts by reading the past.
    if (this.#watchers.size === 0) this.#cursor = undefined;
    if (this.#cursor === undefined) return false;
    const frames = await this.#load(this.#cursor.seq);
    for (const frame of frames) this.#publish(frame);
    const last = frames.at(-1);
    if (last !== undefined) this.#cursor = { ...this.#cursor, seq: last.event.seq };
    return frames.length === BATCH;
  }

  #publish(frame: HubFrame): void {
    for (const watcher of this.#watchers) {
      if (watcher.overrun || !watcher.matches(frame)) continue;
      if (watcher.queue.length >= MAX_BEHIND) {
        watcher.overrun = true;
        watcher.queue.length = 0;
      } else watcher.queue.push(frame);
      watcher.wake?.();
    }
  }

  async #load(after: bigint): Promise<HubFrame[]> {
    // One snapshot: otherwise a watcher could read a resource later than the hub did for a newer event, and then get
    // the older state.
    return await transact(this.#database, { mode: 'read', projectId: 'all', snapshot: true }, async ({ sql }) => {
      const events = await readEvents(sql, after, BATCH);
      if (events.length === 0) return [];
      const uids = [...new Set(events.flatMap((event) => (event.subject === undefined ? [] : [event.subject.uid])))];
      const rows = await readByUid(sql, uids);
      const names = await tenantNames(sql, [...new Set(events.map((event) => event.projectId))]);
      const objects = new Map(rows.map((row) => [row.uid, presentResource(row, names.get(row.project_id) ?? '')]));
      return events.map((event): HubFrame => {
        const gone = event.type === eventTypes.resourceDeleted.type;
        const object = gone ? (event.data['object'] as Resource) : objects.get(event.subject?.uid ?? '');
        return { event, object, project: names.get(event.projectId) ?? '' };
      });
    });
  }
}
