import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { definitionSchema, MOST_DEFINITION_BYTES } from '#records/definition.ts';

/** Definitions of foreign clients, stored unchanged in addition to the resources that Dais creates from them. */

const base = '/api/v1/definitions' as const;
const word = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, { message: 'letters, digits and `-`, at most 64' });
const format = word.describe('Format of the definition: `feast`.');
const type = word.describe('Type within the format: `entity`, `dataSource`.');
const name = z.string().min(1).max(512).describe('Name, unique per type.');
const reference = z.string().min(1).max(1024);
const one = { format, type, name };
const ofDefinition = ({ name: named }: { readonly name: string }) => ({ kind: 'Definition', name: named });
const ofDefinitions = () => ({ kind: 'Definition' });
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const putDefinitionOperation = defineOperation({
  name: 'definition.put',
  action: 'definition:write',
  mode: 'write',
  scope: 'project',
  summary: 'Stores a definition of a client and applies the equivalent manifests, atomically.',
  input: z.strictObject({
    ...one,
    body: z
      .base64()
      .max(Math.ceil(MOST_DEFINITION_BYTES / 3) * 4)
      .describe('Body as the client sent it; base64.'),
    refersTo: z.array(reference).max(10_000).default([]).describe('References for search: `entity:driver`.'),
    manifests: z
      .array(z.record(z.string(), z.unknown()))
      .max(500)
      .default([])
      .describe('Resources of the definition. Each is authorized separately.'),
  }),
  output: definitionSchema,
  target: ofDefinition,
  roles: ['editor'],
  http: http('POST', base),
});

export const readDefinitionOperation = defineOperation({
  name: 'definition.get',
  action: 'definition:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns one definition.',
  input: z.strictObject(one),
  output: definitionSchema,
  target: ofDefinition,
  http: http('GET', `${base}/:format/:type/:name`),
});

export const listDefinitionsOperation = defineOperation({
  name: 'definition.list',
  action: 'definition:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists definitions, by type and name.',
  input: z.strictObject({
    format,
    type: type.optional(),
    refersTo: reference.optional().describe('Only definitions with this reference.'),
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(definitionSchema), nextCursor: z.string().optional() }),
  target: ofDefinitions,
  http: http('GET', base, { query: ['format', 'type', 'refersTo', 'limit', 'cursor'] }),
});

export const deleteDefinitionOperation = defineOperation({
  name: 'definition.delete',
  action: 'definition:write',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a definition. Its resources are deleted separately.',
  input: z.strictObject(one),
  output: z.strictObject({}),
  target: ofDefinition,
  roles: ['editor'],
  http: http('DELETE', `${base}/:format/:type/:name`),
});

export const definitionOperations: readonly Operation[] = [
  putDefinitionOperation,
  readDefinitionOperation,
  listDefinitionsOperation,
  deleteDefinitionOperation,
];
