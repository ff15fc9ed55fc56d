/** The ledgers of data, quality, features, privacy and labels with their engines; see compose.ts. */
import { join } from 'node:path';
import type { ConfigSpec } from '@dais/api';
import type { QualityLedger, QualityDependencies } from '#ledgers/quality/index.ts';
import type { DataSource } from '#engines/sources/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { DataLedger, DataDependencies, ExternalSource, SecretReader } from '#ledgers/data/index.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { SmithyHandler } from '#lib/outbound/smithy-handler.ts';
import type { Database } from '#engines/database/contract.ts';
import type { OnlineStore } from '#engines/online/contract.ts';
import type { DataSourcesDependencies, FeatureDependencies, FeaturesLedger } from '#ledgers/features/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { LabelsLedger, LabelsDependencies } from '#ledgers/labeling/index.ts';
import type { PrivacyLedger, PrivacyLedgerDependencies } from '#ledgers/privacy/index.ts';

interface SourceEnvironment {
  readonly outbound: Outbound;
  readonly secret: SecretReader;
  readonly query: () => Promise<QueryEngine>;
  /** Absolute, for what a source reads on the way. */
  readonly scratch: string;
}

type SourceOpener<Type extends ExternalSource['type']> = (
  source: Extract<ExternalSource, { type: Type }>,
  around: SourceEnvironment,
) => Promise<DataSource>;

/** External sources of data, by `spec.source.type` of a Dataset. */
const dataSources: { readonly [Type in ExternalSource['type']]: SourceOpener<Type> } = {
  http: async ({ urls, headers = {} }, { outbound, secret }) => {
    const opened: Record<string, string> = {};
    for (const [name, ref] of Object.entries(headers)) opened[name] = await secret(ref);
    return (await import('#engines/sources/http/http-source.ts')).httpSource({ urls, headers: opened, outbound });
  },
  postgres: async ({ host, port, database, user, password, tls, sql }, { outbound, secret }) => {
    const opened = password === undefined ? undefined : await secret(password);
    const { postgresSource } = await import('#engines/sources/postgres/postgres-source.ts');
    return postgresSource({ host, port, database, user, tls, sql, password: opened, outbound });
  },
  mysql: async ({ host, port, database, user, password, tls, sql }, { outbound, secret }) => {
    const opened = password === undefined ? undefined : await secret(password);
    const { mysqlSource } = await import('#engines/sources/mysql/mysql-source.ts');
    return mysqlSource({ host, port, database, user, tls, sql, password: opened, outbound });
  },
  files: async ({ glob, ...location }, around) => {
    const { s3Source } = await import('#engines/sources/s3/s3-source.ts');
    return s3Source({ ...(await bucketOptions(location, around)), glob });
  },
  delta: async ({ path, version, ...location }, around) => {
    const { deltaSource } = await import('#engines/sources/s3/delta/delta-source.ts');
    const { query, scratch } = around;
    return deltaSource({ ...(await bucketOptions(location, around)), path, version, query, scratch });
  },
  iceberg: async ({ path, metadata, snapshot, ...location }, around) => {
    const { icebergSource } = await import('#engines/sources/s3/iceberg/iceberg-source.ts');
    const { query, scratch } = around;
    return icebergSource({ ...(await bucketOptions(location, around)), path, metadata, snapshot, query, scratch });
  },
};

type BucketLocation = Omit<Extract<ExternalSource, { type: 'files' }>, 'type' | 'glob' | 'mode'>;

async function bucketOptions(location: BucketLocation, { outbound, secret }: SourceEnvironment) {
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = location;
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : { accessKeyId: await secret(accessKeyId), secretAccessKey: await secret(secretAccessKey) };
  return { bucket, region, endpoint, credentials, requestHandler: await guardedHandler(outbound) };
}

/** The URL comes from a user, not from the operator, so the outbound guard checks it. */
export async function guardedHandler(outbound: Outbound): Promise<SmithyHandler> {
  const { createSmithyHandler, TRANSFER_TIMEOUTS } = await import('#lib/outbound/smithy-handler.ts');
  const guarded: Outbound = {
    ...outbound,
    send: async (request) => await outbound.send({ ...request, trusted: false }),
    stream: async (request) => await outbound.stream({ ...request, trusted: false }),
  };
  return createSmithyHandler(guarded, TRANSFER_TIMEOUTS);
}

export async function openDataSource(source: ExternalSource, around: SourceEnvironment): Promise<DataSource> {
  const open = dataSources[source.type] as SourceOpener<ExternalSource['type']>;
  return await open(source, around);
}

/** Dataset versions, their ingestion and their readers. */
export async function loadData({
  keys,
  outbound,
  ...dependencies
}: Omit<DataDependencies, 'source' | 'secretValue' | 'usage'> & {
  readonly keys: KeyStore;
  readonly outbound: Outbound;
}): Promise<DataLedger> {
  const [{ ledger }, { findSecretValue, openSecretValue }, { recordUsage: usage }] = await Promise.all([
    import('#ledgers/data/index.ts'),
    import('#kinds/secret/index.ts'),
    import('#ledgers/usage/index.ts'),
  ]);
  return ledger.open({
    ...dependencies,
    usage,
    source: async (source, secret) =>
      await openDataSource(source, {
        outbound,
        secret,
        query: dependencies.query,
        scratch: join(dependencies.folder, 'tables'),
      }),
    secretValue: async (tx, ref) => {
      const found = await findSecretValue(tx, tx.projectId, ref);
      return found === undefined ? undefined : async () => await openSecretValue(keys, found);
    },
  });
}

/** What is known of the rows of versions, and whether they are as expected. */
export async function loadQuality({
  local,
  masked,
  ...dependencies
}: Omit<QualityDependencies, 'versions'> &
  Pick<QualityDependencies['versions'], 'masked'> & {
    /** Where the files of versions are found. */
    readonly local: Pick<DataDependencies, 'database' | 'blobs' | 'folder'>;
  }): Promise<QualityLedger> {
  const [{ ledger }, data] = await Promise.all([import('#ledgers/quality/index.ts'), import('#ledgers/data/index.ts')]);
  const versions: QualityDependencies['versions'] = {
    read: data.readVersion,
    resolve: data.resolveVersion,
    previous: data.previousReady,
    decide: data.decideVersion,
    spec: data.readDatasetSpec,
    withTable: async (version, work) =>
      await data.withLocalFiles(local, version, async (files) => await work(data.tableOf(version, files))),
    masked,
  };
  return ledger.open({ ...dependencies, versions });
}

interface OnlineEnvironment {
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly database: Database;
}

/** Where features are read as they are now, by `spec.features`. */
export async function openOnline(
  { features: { online, cacheMb } }: Pick<ConfigSpec, 'features'>,
  { dataFolder, clock, database }: OnlineEnvironment,
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
  ...dependencies
}: Omit<FeatureDependencies, 'sources'> &
  DataSourcesDependencies & { readonly days: number }): Promise<FeaturesLedger> {
  const { dataSources, ledger } = await import('#ledgers/features/index.ts');
  return ledger.open({ ...dependencies, sources: dataSources({ data, maker, masks }) });
}

/** What is personal in datasets, and what others see in its place. */
export async function loadPrivacy({
  keys,
  local,
  ...dependencies
}: Omit<PrivacyLedgerDependencies, 'sealer' | 'versions'> & {
  readonly keys: KeyStore;
  /** Where the files of versions are found. */
  readonly local: Pick<DataDependencies, 'database' | 'blobs' | 'folder'>;
}): Promise<PrivacyLedger> {
  const [{ ledger }, { readVersion, resolveVersion, tableOf, withLocalFiles }, { open, rewrap, seal }] =
    await Promise.all([
      import('#ledgers/privacy/index.ts'),
      import('#ledgers/data/index.ts'),
      import('#kinds/secret/sealing.ts'),
    ]);
  const sealer: PrivacyLedgerDependencies['sealer'] = {
    seal: async (plaintext, context) => await seal(keys, plaintext, context),
    open: async (sealed, context) => await open(keys, sealed, context),
    rewrap: async (sealed, context) => await rewrap(keys, sealed, context),
  };
  const versions: PrivacyLedgerDependencies['versions'] = {
    readVersion,
    resolveVersion,
    withFiles: async (version, work) =>
      await withLocalFiles(local, version, async (files) => await work(tableOf(version, files).files)),
  };
  return ledger.open({ ...dependencies, sealer, versions });
}

/** Labels from annotation. */
export async function loadLabels({
  maker,
  ...dependencies
}: Omit<LabelsDependencies, 'resolveVersion' | 'makeVersion'> & Pick<DataLedger, 'maker'>): Promise<LabelsLedger> {
  const [{ ledger }, { resolveVersion }] = await Promise.all([
    import('#ledgers/labeling/index.ts'),
    import('#ledgers/data/index.ts'),
  ]);
  const makeVersion: LabelsDependencies['makeVersion'] = async (
    { projectId, dataset, spec, path, versions, message, by },
    io,
    also,
  ) => {
    const request = {
      projectId,
      dataset,
      ensure: { origin: 'manifest', spec },
      tables: { labels: { files: [{ path, name: 'labels', format: 'ndjson' as const }] } },
      query: { type: 'scan' as const, table: 'labels' },
      source: { type: 'labels' as const, versions: [...versions] },
      message,
      by,
    };
    return (
      await maker.make(
        request,
        { signal: io.signal, write: async (work) => await io.write(work) },
        async (tx, { version }) => await also(tx, version),
      )
    ).version;
  };
  return ledger.open({ ...dependencies, resolveVersion, makeVersion });
}
