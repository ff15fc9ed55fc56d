/** The definitions ledger: definitions of clients of other systems, byte for byte, besides the resources derived from them. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { definitionEntries, removeProjectDefinitions, type DefinitionDependencies } from './definitions.ts';
import { definitionsSlice } from './definitions-slice.ts';

export { definitionEntries } from './definitions.ts';
export { definitionsSlice } from './definitions-slice.ts';

export const ledger: LedgerDefinition<DefinitionDependencies> = {
  name: 'definitions',
  slice: definitionsSlice,
  project: { remove: async (tx, { id }) => await removeProjectDefinitions(tx, id) },
  open: (dependencies) => ({ entries: definitionEntries(dependencies) }),
};
