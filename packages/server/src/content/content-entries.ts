/** The operations of stored content. */
import {
  contentStatusOperation,
  listDamagedContentOperation,
  scrubContentOperation,
  type ContentStatus,
} from '@dais/api';
import { readContentHealth, readScrubPass, startScrubPass } from './content-scrub-pass.ts';
import type { NameOwners } from '#kernel/content/owner-names.ts';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { listDamagedContent } from './content-owners.ts';
import { scrubNow } from './content-scrub.ts';

export interface ContentEntryDependencies {
  readonly ledgers: readonly NameOwners[];
  readonly everyDays: number;
  readonly bytesPerSecond: number;
}

interface ListCall {
  readonly input: { readonly limit: number; readonly cursor?: string };
}

export function contentEntries(dependencies: ContentEntryDependencies): readonly OperationEntry[] {
  return [
    entry(contentStatusOperation, async (tx) => await status(tx, dependencies)),
    entry(listDamagedContentOperation, async (tx, call) => await list(tx, call, dependencies)),
    entry(scrubContentOperation, scrub),
  ];
}

async function status(
  tx: Transaction,
  { everyDays, bytesPerSecond }: ContentEntryDependencies,
): Promise<ContentStatus> {
  await tx.enter('all');
  const pass = await readScrubPass(tx.sql);
  const { damaged } = await readContentHealth(tx.sql);
  const { startedAt, finishedAt, objects = 0, totalObjects = 0, bytes = 0, totalBytes = 0, found = 0 } = pass ?? {};
  const running = finishedAt === null ? 'running' : 'finished';
  return {
    state: pass === undefined ? 'never' : running,
    ...(startedAt !== undefined && { startedAt: startedAt.toISOString() }),
    ...(finishedAt instanceof Date && { finishedAt: finishedAt.toISOString() }),
    objects,
    totalObjects,
    bytes,
    totalBytes,
    found,
    damaged,
    everyDays,
    bytesPerSecond,
  };
}

async function list(tx: Transaction, { input }: ListCall, { ledgers }: ContentEntryDependencies) {
  await tx.enter('all');
  const after = decodePageCursor('damaged', input.cursor) ?? '';
  const found = await listDamagedContent(tx.sql, { after, limit: input.limit + 1 }, ledgers);
  const { page, next } = cutPage(found, input.limit, 'damaged', ({ locator }) => locator);
  return { items: page, ...next };
}

async function scrub(tx: Transaction): Promise<{ readonly startedAt: string; readonly isNew: boolean }> {
  await tx.enter('all');
  const isNew = await startScrubPass(tx.sql);
  const pass = await readScrubPass(tx.sql);
  tx.enqueue(scrubNow());
  return { startedAt: (pass?.startedAt ?? new Date()).toISOString(), isNew };
}
