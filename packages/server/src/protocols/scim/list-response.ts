import type { Document } from './read-document.ts';
import { LIST_RESPONSE } from './urns.ts';

/** @param startIndex position of the first resource, from 1 */
export function listResponse(resources: readonly object[], total: number, startIndex: number): Document {
  return {
    schemas: [LIST_RESPONSE],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    ...(resources.length > 0 && { Resources: resources }),
  };
}
