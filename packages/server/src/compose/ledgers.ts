/** The list of ledgers. Everything that a ledger declares reaches the rest of Dais through this list. */
import type { NameOwners } from '#kernel/content/owner-names.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import type { NodeSource } from '#ledgers/lineage/index.ts';

/** Every ledger there is. Migrations run, and records of deleted projects are removed, in this order. */
export async function loadLedgers(): Promise<readonly LedgerDefinition[]> {
  const folders = await Promise.all([
    import('#ledgers/nodes/index.ts'),
    import('#ledgers/usage/index.ts'),
    import('#ledgers/audit/index.ts'),
    import('#ledgers/tracking/index.ts'),
    import('#ledgers/executions/index.ts'),
    import('#ledgers/data/index.ts'),
    import('#ledgers/privacy/index.ts'),
    import('#ledgers/lineage/index.ts'),
    import('#ledgers/quality/index.ts'),
    import('#ledgers/safety/index.ts'),
    import('#ledgers/serving/index.ts'),
    import('#ledgers/registry/index.ts'),
    import('#ledgers/comments/index.ts'),
    import('#ledgers/webhooks/index.ts'),
    import('#ledgers/definitions/index.ts'),
    import('#ledgers/features/index.ts'),
    import('#ledgers/labeling/index.ts'),
    import('#ledgers/predictions/index.ts'),
    import('#ledgers/model-jobs/index.ts'),
    import('#ledgers/monitoring/index.ts'),
  ]);
  return folders.map(({ ledger }): LedgerDefinition => ledger);
}

/** What names the owners of stored content. */
export async function contentOwners(): Promise<readonly NameOwners[]> {
  return (await loadLedgers()).flatMap(({ nameOwners }) => nameOwners ?? []);
}

/** The records that lineage nodes refer to. */
export async function loadNodeSources(): Promise<readonly NodeSource[]> {
  return (await loadLedgers()).flatMap(({ lineageNodes = [] }) => lineageNodes);
}
