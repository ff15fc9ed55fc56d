/** `/Groups` */
import {
  changeProvisionedGroupOperation,
  createProvisionedGroupOperation,
  deleteProvisionedGroupOperation,
  listProvisionedGroupsOperation,
  readProvisionedGroupOperation,
} from '@dais/api/access';
import { groupSchema } from './attributes.ts';
import { groupChange, memberIds } from './group-patch.ts';
import { listResponse } from './list-response.ts';
import { readPatch } from './patch.ts';
import { presentGroup, select } from './present.ts';
import { invalid, readDocument, type Document } from './read-document.ts';
import {
  requireId,
  searchInBody,
  searchInQuery,
  selectionInQuery,
  versionInMatch,
  includesMembers,
  type Search,
} from './request.ts';
import type { ScimRequest, ScimRoute } from './route.ts';

/** Groups in a page that lists members: each is read for itself. */
const MOST_WITH_MEMBERS = 50;

export const groupRoutes: readonly ScimRoute[] = [
  {
    method: 'GET',
    path: '/Groups',
    operation: listProvisionedGroupsOperation,
    answer: async (request) => await search(request, searchInQuery(request.query)),
  },
  {
    method: 'POST',
    path: '/Groups/.search',
    operation: listProvisionedGroupsOperation,
    answer: async (request) => await search(request, searchInBody(request.body())),
  },
  {
    method: 'GET',
    path: '/Groups/:id',
    operation: readProvisionedGroupOperation,
    answer: async (request) => {
      const selection = selectionInQuery(request.query);
      const input = { id: requireId(request.id), withMembers: includesMembers(selection) };
      const group = await request.call(readProvisionedGroupOperation, input);
      return { status: 200, body: select(presentGroup(group, request.base), selection), version: group.version };
    },
  },
  {
    method: 'POST',
    path: '/Groups',
    operation: createProvisionedGroupOperation,
    answer: async (request) => {
      const selection = selectionInQuery(request.query);
      const { displayName, externalId, members } = fieldsOf(readDocument(groupSchema, request.body()));
      const input = { displayName, members, ...(externalId !== undefined && { externalId }) };
      const group = await request.call(createProvisionedGroupOperation, input);
      return {
        status: 201,
        body: select(presentGroup(group, request.base), selection),
        version: group.version,
        location: `${request.base}/Groups/${group.id}`,
      };
    },
  },
  {
    method: 'PUT',
    path: '/Groups/:id',
    operation: changeProvisionedGroupOperation,
    answer: async (request) => {
      const { displayName, externalId = null, members } = fieldsOf(readDocument(groupSchema, request.body()));
      return await change(request, { displayName, externalId, members });
    },
  },
  {
    method: 'PATCH',
    path: '/Groups/:id',
    operation: changeProvisionedGroupOperation,
    answer: async (request) => await change(request, groupChange(readPatch(request.body()))),
  },
  {
    method: 'DELETE',
    path: '/Groups/:id',
    operation: deleteProvisionedGroupOperation,
    answer: async (request) => {
      const ifVersion = versionInMatch(request.ifMatch);
      const input = { id: requireId(request.id), ...(ifVersion !== undefined && { ifVersion }) };
      await request.call(deleteProvisionedGroupOperation, input);
      return { status: 204 };
    },
  },
];

async function search(request: ScimRequest, { selection, ...page }: Search) {
  const withMembers = includesMembers(selection);
  const count = withMembers ? Math.min(page.count, MOST_WITH_MEMBERS) : page.count;
  const { items, total, startIndex } = await request.call(listProvisionedGroupsOperation, { ...page, count });
  const resources: Document[] = [];
  for (const item of items) {
    const group = withMembers ? await request.call(readProvisionedGroupOperation, { id: item.id }) : item;
    resources.push(select(presentGroup(group, request.base), selection));
  }
  return { status: 200, body: listResponse(resources, total, startIndex) };
}

async function change(request: ScimRequest, fields: object) {
  const selection = selectionInQuery(request.query);
  const ifVersion = versionInMatch(request.ifMatch);
  const group = await request.call(changeProvisionedGroupOperation, {
    ...fields,
    id: requireId(request.id),
    ...(ifVersion !== undefined && { ifVersion }),
    withMembers: includesMembers(selection),
  });
  return { status: 200, body: select(presentGroup(group, request.base), selection), version: group.version };
}

interface GroupFields {
  readonly displayName: string;
  readonly externalId: string | undefined;
  readonly members: string[];
}

/** @throws ScimError `invalidValue` */
function fieldsOf(document: Document): GroupFields {
  const { displayName, externalId, members } = document;
  if (typeof displayName !== 'string') throw invalid('displayName', 'is required');
  return { displayName, externalId: externalId as string | undefined, members: [...memberIds(members)] };
}
