/** `/Users` */
import { DaisError } from '@dais/api';
import {
  createProvisionedUserOperation,
  deleteProvisionedUserOperation,
  listProvisionedUsersOperation,
  readProvisionedUserOperation,
  replaceProvisionedUserOperation,
} from '@dais/api/access';
import type { z } from 'zod';
import { userSchema } from './attributes.ts';
import { applyPatch, readPatch } from './patch.ts';
import { presentUser, select, type UserOutput } from './present.ts';
import { invalid, readDocument, type Document } from './read-document.ts';
import { searchInBody, searchInQuery, selectionInQuery, versionInMatch, requireId, type Search } from './request.ts';
import type { ScimRequest, ScimRoute } from './route.ts';
import { listResponse } from './list-response.ts';

/** Attempts of a PATCH without If-Match that meets other changes. */
const ATTEMPTS = 4;

export const userRoutes: readonly ScimRoute[] = [
  {
    method: 'GET',
    path: '/Users',
    operation: listProvisionedUsersOperation,
    answer: async (request) => await search(request, searchInQuery(request.query)),
  },
  {
    method: 'POST',
    path: '/Users/.search',
    operation: listProvisionedUsersOperation,
    answer: async (request) => await search(request, searchInBody(request.body())),
  },
  {
    method: 'GET',
    path: '/Users/:id',
    operation: readProvisionedUserOperation,
    answer: async (request) => {
      const selection = selectionInQuery(request.query);
      const user = await request.call(readProvisionedUserOperation, { id: requireId(request.id) });
      return { status: 200, body: select(presentUser(user, request.base), selection), version: user.version };
    },
  },
  {
    method: 'POST',
    path: '/Users',
    operation: createProvisionedUserOperation,
    answer: async (request) => {
      const selection = selectionInQuery(request.query);
      const fields = fieldsOf(readDocument(userSchema, request.body()));
      const user = await request.call(createProvisionedUserOperation, { ...fields, active: fields.active ?? true });
      return {
        status: 201,
        body: select(presentUser(user, request.base), selection),
        version: user.version,
        location: `${request.base}/Users/${user.id}`,
      };
    },
  },
  {
    method: 'PUT',
    path: '/Users/:id',
    operation: replaceProvisionedUserOperation,
    answer: async (request) => {
      const document = readDocument(userSchema, request.body());
      return await change(request, () => document);
    },
  },
  {
    method: 'PATCH',
    path: '/Users/:id',
    operation: replaceProvisionedUserOperation,
    answer: async (request) => {
      const operations = readPatch(request.body());
      return await change(request, (before) => applyPatch(userSchema, before, operations));
    },
  },
  {
    method: 'DELETE',
    path: '/Users/:id',
    operation: deleteProvisionedUserOperation,
    answer: async (request) => {
      const ifVersion = versionInMatch(request.ifMatch);
      const input = { id: requireId(request.id), ...(ifVersion !== undefined && { ifVersion }) };
      await request.call(deleteProvisionedUserOperation, input);
      return { status: 204 };
    },
  },
];

async function search(request: ScimRequest, { selection, ...page }: Search) {
  const { items, total, startIndex } = await request.call(listProvisionedUsersOperation, page);
  const resources = items.map((user) => select(presentUser(user, request.base), selection));
  return { status: 200, body: listResponse(resources, total, startIndex) };
}

/** The change applies to the version that was read, so that no concurrent change is lost. */
async function change(request: ScimRequest, documentAfter: (before: Document) => Document) {
  const id = requireId(request.id);
  const selection = selectionInQuery(request.query);
  const required = versionInMatch(request.ifMatch);
  for (let attempt = 1; ; attempt++) {
    const before = await request.call(readProvisionedUserOperation, { id });
    const fields = fieldsOf(documentAfter(documentOf(before)));
    const input = { ...fields, id, active: fields.active ?? before.active, ifVersion: required ?? before.version };
    try {
      const user = await request.call(replaceProvisionedUserOperation, input);
      return { status: 200, body: select(presentUser(user, request.base), selection), version: user.version };
    } catch (error) {
      const isRace = error instanceof DaisError && error.code === 'precondition_failed' && required === undefined;
      if (!isRace || attempt === ATTEMPTS) throw error;
    }
  }
}

/** What a provider determines. */
function documentOf(user: UserOutput): Document {
  const decided = new Set(['id', 'provider', 'version', 'createdAt', 'updatedAt', 'user', 'groups']);
  return Object.fromEntries(Object.entries(user).filter(([name]) => !decided.has(name)));
}

type UserFields = z.input<typeof createProvisionedUserOperation.input>;

/** @throws ScimError `invalidValue` */
function fieldsOf(document: Document): UserFields {
  if (typeof document['userName'] !== 'string') throw invalid('userName', 'is required');
  const emails = document['emails'] as readonly Document[] | undefined;
  if (emails === undefined) return document as unknown as UserFields;
  const addresses = emails.filter(({ value }) => value !== undefined);
  const { emails: _, ...rest } = document;
  return { ...rest, ...(addresses.length > 0 && { emails: addresses }) } as unknown as UserFields;
}
