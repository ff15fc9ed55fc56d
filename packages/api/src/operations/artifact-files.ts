import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

const files = '/api/v1/tracking/artifact-files' as const;
const ofArtifact = () => ({ kind: 'Artifact' });

const home = z
  .string()
  .min(1)
  .max(2048)
  .describe(
    '`artifactUri` of a run or a logged model, below `tracking.artifactRoot`: `file:///srv/files/1/4f2a…/artifacts`.',
  );
const path = z.string().min(1).max(1024).describe('Relative path, separated by `/`. No segment is empty, `.` or `..`.');

export const listArtifactFilesOperation = defineOperation({
  name: 'artifactFile.list',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists a folder that clients write to directly. Only with `tracking.artifactRoot`.',
  input: z.strictObject({
    home,
    path: path.optional(),
    limit: z.int().min(1).max(1000).default(1000).describe('Maximum entries per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({
    items: z.array(
      z.strictObject({
        name: z.string().describe('Name in the folder.'),
        directory: z.boolean().describe('Whether it is a folder.'),
        size: z.int().optional().describe('Size of a file in bytes.'),
      }),
    ),
    nextCursor: z.string().optional(),
  }),
  target: ofArtifact,
  http: { method: 'GET', path: files, status: 200, query: ['home', 'path', 'limit', 'cursor'] },
});

export const readArtifactFileOperation = defineOperation({
  name: 'artifactFile.read',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary: 'Downloads a file that a client wrote directly, whole or a range. Only with `tracking.artifactRoot`.',
  input: z.strictObject({ home, path }),
  output: z.strictObject({ size: z.int(), sha256: z.null().describe('Null until the file was read completely.') }),
  target: ofArtifact,
  http: { method: 'GET', path: `${files}/content`, status: 200, query: ['home', 'path'], content: 'download' },
});

export const artifactFileOperations: readonly Operation[] = [listArtifactFilesOperation, readArtifactFileOperation];
