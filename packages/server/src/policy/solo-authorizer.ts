import { DaisError } from '@dais/api';
import type { Authorizer } from '#kernel/principal.ts';
import { requireWithinToken } from '#policy/token-limits.ts';

/**
 * Solo mode: one owner, who may do everything; and the platform itself. Anyone else is refused. Steps act for the owner and
 * are never the owner: their tokens are limited to a project and to what steps do.
 */
export const soloAuthorizer: Authorizer = {
  authorize: async (question) => {
    const { principal, operation } = question;
    // Only requests with a ticket reach this point without being from the owner.
    if (operation.public === true) return {};
    requireWithinToken(question);
    if (principal.type === 'system' || (principal.type === 'user' && principal.id === 'owner')) return {};
    throw new DaisError('forbidden', `${principal.type} "${principal.id}" does not have the permission ${operation.action}.`);
  },
};
