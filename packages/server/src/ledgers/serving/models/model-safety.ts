/** Whether and where a model may be loaded, from the scan of its files. */
import type { Transaction } from '#kernel/transaction.ts';
import { scanResult } from '#ledgers/safety/index.ts';
import type { ModelRow } from './model-rows.ts';

export interface ModelSafety {
  /** `isolated`: in a process of its own, without the permissions of the caller. */
  readonly may: 'anywhere' | 'isolated' | 'not yet' | 'never';
  /** A message, unless `anywhere`. */
  readonly reason?: string;
}

const MAY = { clean: 'anywhere', review: 'isolated', pending: 'not yet', blocked: 'never' } as const;

/** Unregistered files of a run are not scanned: they stay isolated. */
export async function safetyOf(tx: Transaction, { lineage_key: key, version, label }: ModelRow): Promise<ModelSafety> {
  if (key === null || version === null) return { may: 'isolated' };
  const { result, reason } = await scanResult(tx, key, label);
  return { may: MAY[result], ...(reason !== undefined && { reason }) };
}
