/** The engines of the feature ledger; see compose.ts. */
import type { ConfigSpec } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import type { OnlineStore } from '#engines/online/contract.ts';
import type { DataSourcesParts, FeatureParts, FeaturesLedger } from '#ledgers/features/index.ts';
import type { Clock } from '#lib/clock.ts';

interface OnlineSurroundings {
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly database: Database;
}

/** Where features are read as they are now, by `spec.features`. */
export async function openOnline(
  { features: { online, cacheMb } }: Pick<ConfigSpec, 'features'>,
  { dataFolder, clock, database }: OnlineSurroundings,
): Promise<OnlineStore> {
  if (online.type === 'redis')
    return await (await import('#engines/online/redis/redis-online.ts')).openRedisOnline(online);
  const { PostgresOnlineStore } = await import('#engines/online/postgres/postgres-online.ts');
  const store = new PostgresOnlineStore(database);
  if (cacheMb === 0) return store;
  const { openCachedOnline } = await import('#engines/online/lmdb/cached-online.ts');
  const folder = `${dataFolder}/features/cache`;
  return await openCachedOnline({ store, database, folder, maxBytes: cacheMb * 2 ** 20, now: () => clock.now() });
}

/** Features as they are and as they were. */
export async function loadFeatures({
  data,
  maker,
  masks,
  ...parts
}: Omit<FeatureParts, 'sources'> & DataSourcesParts & { readonly days: number }): Promise<FeaturesLedger> {
  const { dataSources, ledger } = await import('#ledgers/features/index.ts');
  return ledger.open({ ...parts, sources: dataSources({ data, maker, masks }) });
}
