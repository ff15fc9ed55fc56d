/** The registry: versions of models, what they are called, and who approved that. */
export { admitModel } from './admission.ts';
export { upstreamApprovals } from './approval-facts.ts';
export { listAliases, modelStarts } from './upstream-starts.ts';
export { convertedPlace, registerConverted } from './converted.ts';
export { versionKeyOf, versionNodes } from './lineage-nodes.ts';
export { readSpec as readModelSpec } from './models.ts';
export { readByAlias, readModel, readVersion } from './model-rows.ts';
export { heldSources } from './held-sources.ts';
export { registryEntries } from './registry-entries.ts';
export { newestVersions, visibleModels } from './search.ts';
export type { RegistryParts } from './registry-parts.ts';
export { nameModelOwners } from './content-owners.ts';
export { registrySlice } from './registry-slice.ts';
export { commentedVersions, versionSubject } from './version-subject.ts';
