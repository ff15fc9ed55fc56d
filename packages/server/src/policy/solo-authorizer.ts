import { DaisError } from '@dais/api';
import type { Authorizer } from '#kernel/principal.ts';

/**
 * Solo mode: one owner, who may do everything; and the platform itself. Anyone else is refused: steps and workers get
 * tokens of their own and are never the owner.
 */
export const soloAuthorizer: Authorizer = {
  authorize: async ({ principal, operation }) => {
    // Only what brings a ticket of its own gets here without being the owner.
    if (operation.public === true) return {};
    if (principal.type === 'system' || (principal.type === 'user' && principal.id === 'owner')) return {};
    throw new DaisError('forbidden', `${principal.type} "${principal.id}" may not ${operation.action} here.`);
  },
};
