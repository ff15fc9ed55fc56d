/**
 * The program of a process that is killed: it works on content without pauses and reports the start and end of each
 * action.
 */
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import type { ConnectionOptions } from '#engines/database/contract.ts';
import { openDatabase } from '#engines/database/database.ts';
import { Collector } from '#content/content-collector.ts';
import { Content } from '#kernel/content/content.ts';
import { attachContent, detachContent, type ContentOwner } from '#kernel/content/references.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import { pauseCollection } from '#content/collection-pause.ts';

export interface CrashWork {
  readonly connection: ConnectionOptions;
  readonly root: string;
  /** One sequence of work for each; no other one changes what they own. */
  readonly owners: readonly ContentOwner[];
}

/** One line on stdout for each action. `text` null: the name was deleted. */
export interface CrashLine {
  readonly at: 'begin' | 'end';
  readonly owner: string;
  readonly name: string;
  readonly text: string | null;
}

/** Contents that all lanes share, so that they meet. */
const TEXTS = Array.from({ length: 6 }, (_, n) => `content ${n} `.repeat(1000 * n + 1));

/** Half of the texts are unique: remaining bytes are not hidden by a later upload of the same text. */
function someText(random: () => number): string {
  return random() < 0.5 ? `only once ${uuidv7()}` : TEXTS[Math.floor(random() * TEXTS.length)]!;
}

export const APPLICATION = 'dais-crash-worker';

/**
 * On a busy machine, the lease of a slow sequence can expire, and an upload can wait longer than two claims for the deletion
 * of the same content, after which its client is asked to retry. Any other error is a failure.
 */
function isExpected(error: unknown): boolean {
  if (!(error instanceof DaisError)) return false;
  return error.code === 'content_missing' || (error.code === 'blobs_unavailable' && error.retryAfter !== undefined);
}

/** Runs until it is killed. */
export async function workUntilKilled(work: CrashWork, random: () => number): Promise<never> {
  const database = openDatabase(work.connection, { poolSize: 8, applicationName: APPLICATION });
  const blobs = await openFsBlobStore({ root: work.root, clock: systemClock });
  const dependencies = { database, blobs, clock: systemClock, claimMs: 500 };
  const content = new Content({ ...dependencies, leaseMs: 5000 });
  const collector = new Collector({ ...dependencies, graceMs: -1000, sweepMs: 3_600_000 });
  const say = (line: CrashLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

  const change = async (owner: ContentOwner): Promise<void> => {
    const name = random() < 0.5 ? 'n' : 'm';
    const text = random() < 0.3 ? null : someText(random);
    const line = { owner: owner.uid, name, text };
    say({ at: 'begin', ...line });
    const request = { mode: 'write', projectId: owner.projectId } as const;
    if (text === null) {
      await transact(database, request, async (tx) => await detachContent(tx, owner, [name]));
    } else {
      const lease = await content.upload(Readable.from([text]), { projectId: owner.projectId, quota: null });
      const entries = [{ lease: lease.id, name }];
      await transact(database, request, async (tx) => await attachContent(tx, owner, entries, { replace: true }));
    }
    say({ at: 'end', ...line });
  };
  const forever = async (turn: () => Promise<unknown>): Promise<never> => {
    for (;;) {
      try {
        await turn();
      } catch (error) {
        if (!isExpected(error)) throw error;
      }
    }
  };
  const never = new AbortController().signal;
  return await Promise.race([
    ...work.owners.map(async (owner) => await forever(async () => await change(owner))),
    forever(async () => await collector.collect(never)),
    forever(async () => await collector.collect(never)),
    forever(async () => await pauseCollection(dependencies.database, 'a backup that is killed', 30)),
  ]);
}
