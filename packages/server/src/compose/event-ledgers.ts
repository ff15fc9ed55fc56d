/** Opens the ledgers that follow events of the whole platform: audit, lineage and webhooks. */
import type { KeyStore } from '#engines/keys/contract.ts';
import type { AuditLedger, AuditLedgerDependencies } from '#ledgers/audit/index.ts';
import type { Ledger } from '#ledgers/ledger.ts';
import type { LineageDependencies, RunEventOptions } from '#ledgers/lineage/index.ts';
import type { WebhookDependencies, WebhooksLedger } from '#ledgers/webhooks/index.ts';
import { loadNodeSources } from './ledgers.ts';

/** The tamper-evident audit log: events, their principals, and the policies that permitted them. */
export async function loadAudit(dependencies: AuditLedgerDependencies): Promise<AuditLedger> {
  return (await import('#ledgers/audit/index.ts')).ledger.open(dependencies);
}

/** Lineage, with the operations of OpenLineage and, if configured, outgoing events. */
export async function loadLineage({
  emission,
  ...dependencies
}: Omit<LineageDependencies, 'sources' | 'receivers'> & {
  readonly emission?:
    | (Omit<RunEventOptions, 'sources' | 'headers' | 'render'> & {
        readonly apiKey?: string | undefined;
        readonly namespace: string;
      })
    | undefined;
}): Promise<Ledger & Required<Pick<Ledger, 'entries' | 'jobs' | 'subscribers'>>> {
  const [{ ledger }, { runNodes }, { openLineageEntries, runEvent }, sources] = await Promise.all([
    import('#ledgers/lineage/index.ts'),
    import('#ledgers/tracking/index.ts'),
    import('#protocols/openlineage/index.ts'),
    loadNodeSources(),
  ]);
  const receivers = [emission ?? []].flat().map(({ apiKey, namespace, ...receiver }): RunEventOptions => ({
    ...receiver,
    sources,
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    render: (run) => runEvent(run, namespace),
  }));
  const opened = ledger.open({ ...dependencies, sources, receivers });
  const { entries = [], jobs = [], subscribers = [] } = opened;
  return { ...opened, jobs, subscribers, entries: [...entries, ...openLineageEntries(runNodes)] };
}

/** Notifications: in Dais's own format, and in the formats of protocol adapters with webhooks. */
export async function loadWebhooks({
  keys,
  allowHosts,
  ...dependencies
}: Omit<WebhookDependencies, 'sealer' | 'formats' | 'inside'> & {
  readonly keys: KeyStore;
  readonly allowHosts: readonly string[];
}): Promise<WebhooksLedger> {
  const [{ nativeFormat, ledger }, { mlflowWebhooks }, { open, rewrap, seal }, { parseHostPattern }] =
    await Promise.all([
      import('#ledgers/webhooks/index.ts'),
      import('#protocols/mlflow/index.ts'),
      import('#kinds/secret/sealing.ts'),
      import('#lib/outbound/host-pattern.ts'),
    ]);
  const sealer: WebhookDependencies['sealer'] = {
    seal: async (plaintext, context) => await seal(keys, plaintext, context),
    open: async (sealed, context) => await open(keys, sealed, context),
    rewrap: async (sealed, context) => await rewrap(keys, sealed, context),
  };
  const inside = allowHosts.flatMap((host) => parseHostPattern(host) ?? []);
  return ledger.open({ ...dependencies, sealer, inside, formats: [nativeFormat, mlflowWebhooks] });
}
