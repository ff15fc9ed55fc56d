/** `POST /.search`: users, then groups. A filter for attributes of the one type matches none of the other. */
import { DaisError } from '@dais/api';
import {
  listProvisionedGroupsOperation,
  listProvisionedUsersOperation,
  readProvisionedGroupOperation,
} from '@dais/api/access';
import { listResponse } from './list-response.ts';
import { presentGroup, presentUser, select } from './present.ts';
import type { Document } from './read-document.ts';
import { searchInBody, includesMembers } from './request.ts';
import type { ScimRequest, ScimResponse, ScimRoute } from './route.ts';

/** Results of one page: groups are read with their members. */
const MOST_RESULTS = 50;

export const rootSearchRoute: ScimRoute = {
  method: 'POST',
  path: '/.search',
  operation: listProvisionedUsersOperation,
  answer: async (request) => await search(request),
};

async function search(request: ScimRequest): Promise<ScimResponse> {
  const { filter, startIndex, count: requested, selection } = searchInBody(request.body());
  const count = Math.min(requested, MOST_RESULTS);
  const filtered = filter === undefined ? {} : { filter };
  const users = await matching(
    async () => await request.call(listProvisionedUsersOperation, { ...filtered, startIndex, count }),
  );
  const userCount = 'error' in users ? 0 : users.found.total;
  const items = 'error' in users ? [] : users.found.items;
  const page = { startIndex: Math.max(1, startIndex - userCount), count: count - items.length };
  const groups = await matching(
    async () => await request.call(listProvisionedGroupsOperation, { ...filtered, ...page }),
  );
  if ('error' in users && 'error' in groups) throw users.error;
  const resources: Document[] = items.map((user) => select(presentUser(user, request.base), selection));
  for (const { id } of 'error' in groups ? [] : groups.found.items) {
    const group = await request.call(readProvisionedGroupOperation, { id, withMembers: includesMembers(selection) });
    resources.push(select(presentGroup(group, request.base), selection));
  }
  const total = userCount + ('error' in groups ? 0 : groups.found.total);
  return { status: 200, body: listResponse(resources, total, startIndex) };
}

/** The filter may be valid for the other type only. */
async function matching<T>(work: () => Promise<T>): Promise<{ readonly found: T } | { readonly error: DaisError }> {
  try {
    return { found: await work() };
  } catch (error) {
    const isFilter = error instanceof DaisError && error.issues?.some(({ path }) => path === 'filter') === true;
    if (!isFilter) throw error;
    return { error };
  }
}
