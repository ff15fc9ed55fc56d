import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

const tree = '/api/v1/tracking/artifacts' as const;
const bytes = '/api/v1/tracking/artifacts/content' as const;
const ofArtifact = () => ({ kind: 'Artifact' });

const path = z
  .string()
  .min(1)
  .max(1024)
  .describe('Relative, with `/` between its parts: `1/4f2a…/artifacts/model/MLmodel`. No part is empty, `.` or `..`.');
const sha256 = z.string().nullable().describe('SHA-256 of the bytes; null until it is known.');

export const listArtifactsOperation = defineOperation({
  name: 'artifact.list',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary: 'Gives what lies directly in a folder of artifacts.',
  input: z.strictObject({
    path: path.optional().describe('The folder; default: all of the project.'),
    limit: z.int().min(1).max(1000).default(1000).describe('Most entries in one page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the page before.'),
  }),
  output: z.strictObject({
    items: z.array(
      z.strictObject({
        name: z.string().describe('Its name in the folder.'),
        directory: z.boolean().describe('Whether it is a folder.'),
        size: z.int().optional().describe('In bytes; of files.'),
      }),
    ),
    nextCursor: z.string().optional(),
  }),
  target: ofArtifact,
  http: { method: 'GET', path: tree, status: 200, query: ['path', 'limit', 'cursor'] },
});

export const readArtifactOperation = defineOperation({
  name: 'artifact.read',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary: 'Gives the bytes of an artifact, whole or a range of them.',
  input: z.strictObject({ path }),
  output: z.strictObject({ size: z.int(), sha256 }),
  target: ofArtifact,
  http: { method: 'GET', path: bytes, status: 200, query: ['path'], content: 'download' },
});

export const showArtifactOperation = defineOperation({
  name: 'artifact.show',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary:
    'Gives an artifact that is HTML as a page to look at, whose scripts reach neither Dais nor any other server.',
  input: z.strictObject({ path }),
  output: z.strictObject({ size: z.int(), sha256 }),
  target: ofArtifact,
  http: {
    method: 'GET',
    path: '/api/v1/tracking/artifacts/page',
    status: 200,
    query: ['path'],
    content: 'download',
    page: true,
  },
});

export const linkArtifactOperation = defineOperation({
  name: 'artifact.link',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary:
    'Gives an address at the store itself, under which anybody reads an artifact for a while. Only where content lies in S3.',
  input: z.strictObject({
    path,
    seconds: z.int().min(1).max(604_800).default(900).describe('How long it is valid.'),
  }),
  output: z.strictObject({ url: z.string().describe('A secret while it is valid.'), size: z.int(), sha256 }),
  target: ofArtifact,
  http: { method: 'GET', path: `${tree}/link`, status: 200, query: ['path', 'seconds'] },
});

export const writeArtifactOperation = defineOperation({
  name: 'artifact.write',
  action: 'artifact:write',
  mode: 'write',
  scope: 'project',
  summary: 'Keeps the bytes of the request as an artifact; one of this path is replaced.',
  input: z.strictObject({ path }),
  output: z.strictObject({ path: z.string(), size: z.int(), sha256 }),
  target: ofArtifact,
  roles: ['operator', 'editor'],
  http: { method: 'PUT', path: bytes, status: 200, query: ['path'], content: 'upload' },
});

export const deleteArtifactOperation = defineOperation({
  name: 'artifact.delete',
  action: 'artifact:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes an artifact, or a folder with all that lies below it. What is not there is no error.',
  input: z.strictObject({ path }),
  output: z.strictObject({ deleted: z.int().describe('How many files went.') }),
  target: ofArtifact,
  roles: ['editor'],
  http: { method: 'DELETE', path: tree, status: 200, query: ['path'] },
});

export const artifactOperations: readonly Operation[] = [
  listArtifactsOperation,
  readArtifactOperation,
  showArtifactOperation,
  linkArtifactOperation,
  writeArtifactOperation,
  deleteArtifactOperation,
];
