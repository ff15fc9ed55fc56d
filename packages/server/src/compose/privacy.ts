/** The dependencies of privacy and labels; see compose.ts. */
import type { KeyStore } from '#engines/keys/contract.ts';
import type { DataLedger, DataParts } from '#ledgers/data/index.ts';
import type { LabelsLedger, LabelsParts } from '#ledgers/labelling/index.ts';
import type { PrivacyLedger, PrivacyLedgerParts } from '#ledgers/privacy/index.ts';

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
  const [{ ledger }, { readVersion, resolveVersion, tableOf, withLocalFiles }, { open, rewrap, seal }] =
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
  return ledger.open({ ...parts, sealer, versions });
}

/** Labels that people gave. */
export async function loadLabels({
  maker,
  ...parts
}: Omit<LabelsParts, 'resolveVersion' | 'makeVersion'> & Pick<DataLedger, 'maker'>): Promise<LabelsLedger> {
  const [{ ledger }, { resolveVersion }] = await Promise.all([
    import('#ledgers/labelling/index.ts'),
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
  return ledger.open({ ...parts, resolveVersion, makeVersion });
}
