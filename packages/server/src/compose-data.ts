/** The lists of what data stand on; see compose.ts. */
import type { KeyStore } from '#engines/keys/contract.ts';
import type { DataLedger, DataParts } from '#ledgers/data/index.ts';
import type { LabelsParts } from '#ledgers/labels/index.ts';
import type { PrivacyLedger, PrivacyLedgerParts } from '#ledgers/privacy/index.ts';
import type { QualityLedger, QualityParts } from '#ledgers/quality/index.ts';
import type { DataSource } from '#engines/sources/contract.ts';
import type { ExternalSource, SecretReader } from '#ledgers/data/index.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { LoadedKinds } from './compose.ts';

interface SourceSurroundings {
  readonly outbound: Outbound;
  readonly secret: SecretReader;
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
  postgres: async ({ type: _, password, ...source }, { outbound, secret }) => {
    const opened = password === undefined ? undefined : await secret(password);
    const { postgresSource } = await import('#engines/sources/postgres/postgres-source.ts');
    return postgresSource({ ...source, password: opened, outbound });
  },
  files: async ({ bucket, glob, region, endpoint, accessKeyId, secretAccessKey }, { outbound, secret }) => {
    const { createSmithyHandler, TRANSFER_TIMEOUTS } = await import('#lib/outbound/smithy-handler.ts');
    // The address is a user's, not the operator's: it is looked at like any other.
    const guarded: Outbound = {
      ...outbound,
      send: async (request) => await outbound.send({ ...request, trusted: false }),
      stream: async (request) => await outbound.stream({ ...request, trusted: false }),
    };
    const requestHandler = createSmithyHandler(guarded, TRANSFER_TIMEOUTS);
    const credentials =
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId: await secret(accessKeyId), secretAccessKey: await secret(secretAccessKey) };
    const { s3Source } = await import('#engines/sources/s3/s3-source.ts');
    return s3Source({ bucket, glob, region, endpoint, credentials, requestHandler });
  },
};

export async function openDataSource(source: ExternalSource, around: SourceSurroundings): Promise<DataSource> {
  const open = dataSources[source.type] as SourceOpener<ExternalSource['type']>;
  return await open(source as never, around);
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
  const [{ qualityLedger }, data] = await Promise.all([
    import('#ledgers/quality/index.ts'),
    import('#ledgers/data/index.ts'),
  ]);
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
  return qualityLedger({ ...parts, versions });
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
  const [{ dataLedger }, { findSecretValue, openSecretValue }] = await Promise.all([
    import('#ledgers/data/index.ts'),
    import('#kinds/secret/index.ts'),
  ]);
  return dataLedger({
    ...parts,
    source: async (source, secret) => await openDataSource(source, { outbound, secret }),
    secretValue: async (tx, ref) => {
      const found = await findSecretValue(tx, tx.projectId, ref);
      return found === undefined ? undefined : async () => await openSecretValue(keys, found);
    },
  });
}

/** What is personal in datasets, and what others see in its place. */
export async function loadPrivacy({
  keys,
  local,
  ...parts
}: Omit<PrivacyLedgerParts, 'sealer' | 'versions'> & {
  readonly keys: KeyStore;
  /** Where the files of versions are found. */
  readonly local: Pick<DataParts, 'database' | 'blobs' | 'folder'>;
}): Promise<PrivacyLedger> {
  const [{ privacyLedger }, { readVersion, resolveVersion, tableOf, withLocalFiles }, { open, rewrap, seal }] =
    await Promise.all([
      import('#ledgers/privacy/index.ts'),
      import('#ledgers/data/index.ts'),
      import('#kinds/secret/sealing.ts'),
    ]);
  const sealer: PrivacyLedgerParts['sealer'] = {
    seal: async (plaintext, context) => await seal(keys, plaintext, context),
    open: async (sealed, context) => await open(keys, sealed, context),
    rewrap: async (sealed, context) => await rewrap(keys, sealed, context),
  };
  const versions: PrivacyLedgerParts['versions'] = {
    readVersion,
    resolveVersion,
    withFiles: async (version, work) =>
      await withLocalFiles(local, version, async (files) => await work(tableOf(version, files).files)),
  };
  return privacyLedger({ ...parts, sealer, versions });
}

/** Labels that people gave. */
export async function loadLabels({
  maker,
  ...parts
}: Omit<LabelsParts, 'resolveVersion' | 'makeVersion'> & Pick<DataLedger, 'maker'>): Promise<
  Pick<LoadedKinds, 'entries' | 'jobs'>
> {
  const [{ labelsLedger }, { resolveVersion }] = await Promise.all([
    import('#ledgers/labels/index.ts'),
    import('#ledgers/data/index.ts'),
  ]);
  const makeVersion: LabelsParts['makeVersion'] = async (
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
  return labelsLedger({ ...parts, resolveVersion, makeVersion });
}
