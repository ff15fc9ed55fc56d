import { entityKind } from '@dais/api/data';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitEntity } from '#ledgers/features/index.ts';

/** What features are of. */
export const entity: KindDefinition = {
  spec: entityKind,
  admit: async (tx, change) => {
    await admitEntity(tx, change);
    return {};
  },
};
