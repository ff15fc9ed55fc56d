/** The lists of what data stand on; see compose.ts. */
import { join } from 'node:path';
import type { QualityLedger, QualityParts } from '#ledgers/quality/index.ts';
import type { DataSource } from '#engines/sources/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { DataLedger, DataParts, ExternalSource, SecretReader } from '#ledgers/data/index.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { SmithyHandler } from '#lib/outbound/smithy-handler.ts';

interface SourceSurroundings {
  readonly outbound: Outbound;
  readonly secret: SecretReader;
  readonly query: () => Promise<QueryEngine>;
  /** Absolute, for what a source reads on the way. */
  readonly scratch: string;
}

type SourceOpener<Type extends ExternalSource['type']> = (
  source: Extract<ExternalSource, { type: Type }>,
  around: SourceSurroundings,
) => Promise<DataSource>;

/** Where data lie outside, by `spec.source.type` of a Dataset. */
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
  files: async ({ glob, ...place }, around) => {
    const { s3Source } = await import('#engines/sources/s3/s3-source.ts');
    return s3Source({ ...(await bucketOptions(place, around)), glob });
  },
  delta: async ({ path, version, ...place }, around) => {
    const { deltaSource } = await import('#engines/sources/s3/delta/delta-source.ts');
    const { query, scratch } = around;
    return deltaSource({ ...(await bucketOptions(place, around)), path, version, query, scratch });
  },
  iceberg: async ({ path, metadata, snapshot, ...place }, around) => {
    const { icebergSource } = await import('#engines/sources/s3/iceberg/iceberg-source.ts');
    const { query, scratch } = around;
    return icebergSource({ ...(await bucketOptions(place, around)), path, metadata, snapshot, query, scratch });
  },
};

type BucketPlace = Omit<Extract<ExternalSource, { type: 'files' }>, 'type' | 'glob' | 'mode'>;

async function bucketOptions(place: BucketPlace, { outbound, secret }: SourceSurroundings) {
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = place;
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : { accessKeyId: await secret(accessKeyId), secretAccessKey: await secret(secretAccessKey) };
  return { bucket, region, endpoint, credentials, requestHandler: await guardedHandler(outbound) };
}

/** The address is a user's, not the operator's: it is looked at like any other. */
export async function guardedHandler(outbound: Outbound): Promise<SmithyHandler> {
  const { createSmithyHandler, TRANSFER_TIMEOUTS } = await import('#lib/outbound/smithy-handler.ts');
  const guarded: Outbound = {
    ...outbound,
    send: async (request) => await outbound.send({ ...request, trusted: false }),
    stream: async (request) => await outbound.stream({ ...request, trusted: false }),
  };
  return createSmithyHandler(guarded, TRANSFER_TIMEOUTS);
}

export async function openDataSource(source: ExternalSource, around: SourceSurroundings): Promise<DataSource> {
  const open = dataSources[source.type] as SourceOpener<ExternalSource['type']>;
  return await open(source, around);
}

/** Versions of datasets, how they come, and who reads what of them. */
export async function loadData({
  keys,
  outbound,
  ...parts
}: Omit<DataParts, 'source' | 'secretValue'> & {
  readonly keys: KeyStore;
  readonly outbound: Outbound;
}): Promise<DataLedger> {
  const [{ ledger }, { findSecretValue, openSecretValue }] = await Promise.all([
    import('#ledgers/data/index.ts'),
    import('#kinds/secret/index.ts'),
  ]);
  return ledger.open({
    ...parts,
    source: async (source, secret) =>
      await openDataSource(source, { outbound, secret, query: parts.query, scratch: join(parts.folder, 'tables') }),
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
  ...parts
}: Omit<QualityParts, 'versions'> &
  Pick<QualityParts['versions'], 'masked'> & {
    /** Where the files of versions are found. */
    readonly local: Pick<DataParts, 'database' | 'blobs' | 'folder'>;
  }): Promise<QualityLedger> {
  const [{ ledger }, data] = await Promise.all([import('#ledgers/quality/index.ts'), import('#ledgers/data/index.ts')]);
  const versions: QualityParts['versions'] = {
    read: data.readVersion,
    resolve: data.resolveVersion,
    previous: data.previousReady,
    decide: data.decideVersion,
    spec: data.readDatasetSpec,
    withTable: async (version, work) =>
      await data.withLocalFiles(local, version, async (files) => await work(data.tableOf(version, files))),
    masked,
  };
  return ledger.open({ ...parts, versions });
}
