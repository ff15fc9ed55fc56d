/** The ledger of data: versions of datasets, how they came, and who reads what of them. */
export type { DataParts, ExternalSource, SecretReader, VersionHooks } from './data-parts.ts';
export { dataLedger, type DataLedger } from './data-ledger.ts';
export { dataSlice } from './data-slice.ts';
export { readDatasetFacts, type DatasetFacts } from './dataset-facts.ts';
export { admitDataset } from './dataset-rows.ts';
export { readDatasetSpec } from './dataset-spec.ts';
export type { MaskedColumn } from './reading/masks.ts';
export { findReadable, maskedView, withTables, type ReadableVersion } from './reading/read-version.ts';
export { commitVersion, type CommittedVersion, type NewFile, type NewVersion } from './versions/commit.ts';
export { decideVersion } from './versions/decide.ts';
export { dataVersionNodes, noteVersionRead } from './versions/lineage-nodes.ts';
export { tableOf, withLocalFiles, type LocalFile } from './versions/local-files.ts';
export { requireUsable, resolveVersion } from './versions/resolve.ts';
export { VersionMaker, type MakeIo, type MakeRequest } from './versions/version-maker.ts';
export { previousReady, readVersion } from './versions/version-rows.ts';
