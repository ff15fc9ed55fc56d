/** What was found in the files of models, as far as it says whether and where they may be loaded. */
import type { Transaction } from '#kernel/transaction.ts';
import { scanVerdict } from '#ledgers/safety/index.ts';
import type { ModelRow } from './model-rows.ts';

export interface ModelSafety {
  /** `isolated`: in a process of its own, without the rights of whoever loads it. */
  readonly may: 'anywhere' | 'isolated' | 'not yet' | 'never';
  /** For a person, of what is not `anywhere`. */
  readonly reason?: string;
}

const MAY = { clean: 'anywhere', review: 'isolated', waiting: 'not yet', blocked: 'never' } as const;

/** Files of a run, which nobody registered, are not looked at: they stay isolated. */
export async function safetyOf(tx: Transaction, { lineage_key: key, version, label }: ModelRow): Promise<ModelSafety> {
  if (key === null || version === null) return { may: 'isolated' };
  const { verdict, reason } = await scanVerdict(tx, key, label);
  return { may: MAY[verdict], ...(reason !== undefined && { reason }) };
}
