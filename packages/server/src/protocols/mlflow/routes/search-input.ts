import { LIMITS } from '../wire/limits.ts';

interface SearchValues {
  readonly filter?: string;
  readonly order_by?: readonly string[];
  readonly page_token?: string;
  readonly max_results?: number;
}

const VIEWS = { ACTIVE_ONLY: 'active', DELETED_ONLY: 'deleted', ALL: 'all' } as const;

/** What all searches have in common, as operations take it. */
export function searchInput(values: SearchValues, view: keyof typeof VIEWS = 'ACTIVE_ONLY') {
  const { filter = '', order_by: orderBy = [], page_token: cursor = '', max_results: limit } = values;
  return {
    view: VIEWS[view],
    ...(filter !== '' && { filter }),
    ...(orderBy.length > 0 && { orderBy: [...orderBy] }),
    ...(cursor !== '' && { cursor }),
    ...(limit !== undefined && { limit: Math.min(limit, LIMITS.searchResults) }),
  };
}
