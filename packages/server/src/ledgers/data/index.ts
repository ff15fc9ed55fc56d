/** The data ledger: dataset versions, their ingests, and masked reads. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { nameDataOwners } from './content-owners.ts';
import { dataLedger, type DataLedger } from './data-ledger.ts';
import type { DataDependencies } from './data-dependencies.ts';
import { dataSlice } from './data-slice.ts';
import { dataVersionNodes } from './versions/lineage-nodes.ts';

export type { DataDependencies, ExternalSource, SecretReader, VersionHooks } from './data-dependencies.ts';
export { dataLedger, type DataLedger } from './data-ledger.ts';
export { dataSlice } from './data-slice.ts';
export { readDatasetFacts, type DatasetFacts } from './dataset-facts.ts';
export { admitDataset } from './dataset-rows.ts';
export { readDatasetSpec } from './dataset-rows.ts';
export { marksOf, type SensitiveColumn } from './reading/masks.ts';
export { mayOf } from './reading/read-version.ts';
export { decideVersion } from './versions/decide.ts';
export { dataVersionNodes } from './versions/lineage-nodes.ts';
export { tableOf, withLocalFiles } from './versions/local-files.ts';
export { findMentionedVersion } from './versions/mentioned-version.ts';
export { requireUsable, resolveVersion } from './versions/resolve.ts';
export { VersionMaker } from './versions/version-maker.ts';
export { findNewest, nextReady, previousReady, readVersion } from './versions/version-rows.ts';

export const ledger: LedgerDefinition<DataDependencies, DataLedger> = {
  name: 'data',
  slice: dataSlice,
  nameOwners: nameDataOwners,
  lineageNodes: [dataVersionNodes],
  open: dataLedger,
};
