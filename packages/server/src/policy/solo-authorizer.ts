import { DaisError } from '@dais/api';
import type { Authorizer } from '#kernel/principal.ts';
import { requireWithinToken } from '#policy/token-limits.ts';

/**
 * Solo mode: the owner and the platform have all permissions, and everyone else is rejected. Steps act for the owner
 * without being the owner: their tokens are limited to a project and to the actions of steps.
 */
export const soloAuthorizer: Authorizer = {
  authorize: async (question) => {
    const { principal, operation } = question;
    // Only requests with a ticket reach this point without being from the owner.
    if (operation.public === true) return {};
    requireWithinToken(question);
    if (principal.type === 'system' || (principal.type === 'user' && principal.id === 'owner')) return {};
    throw new DaisError(
      'forbidden',
      `${principal.type} "${principal.id}" does not have the permission ${operation.action}.`,
    );
  },
};
