/** The registry: model versions, aliases and stages, and approvals. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { upstreamApprovals } from './approvals/approval-facts.ts';
import { nameModelOwners } from './content-owners.ts';
import { versionNodes, listAliases, modelStarts } from './lineage.ts';
import { registryEntries } from './registry-entries.ts';
import type { RegistryDependencies } from './registry-dependencies.ts';
import { registrySlice } from './registry-slice.ts';

export { admitModel } from './admission.ts';
export { convertedLocation, registerConverted } from './versions/converted.ts';
export { versionKeyOf, versionNodes } from './lineage.ts';
export { readSpec as readModelSpec } from './models.ts';
export { readByAlias, readModel, readVersion } from './model-rows.ts';
export { versionSources } from './lineage.ts';
export { registryEntries } from './registry-entries.ts';
export { newestVersions, visibleModels } from './search.ts';
export type { RegistryDependencies } from './registry-dependencies.ts';
export { registrySlice } from './registry-slice.ts';
export { commentedVersions, versionSubject } from './versions/version-subject.ts';

export const ledger: LedgerDefinition<RegistryDependencies> = {
  name: 'registry',
  slice: registrySlice,
  nameOwners: nameModelOwners,
  lineageNodes: [versionNodes],
  facts: () => ({
    upstream: [upstreamApprovals],
    production: { kind: 'Model', starts: modelStarts, list: listAliases },
  }),
  open: (dependencies) => ({ entries: registryEntries(dependencies) }),
};
