import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';

const time = z.string().describe('RFC 3339, UTC.');

export const contentOwnerSchema = z.strictObject({
  project: z.string().describe('Name of the project, or its id if it no longer exists.'),
  kind: z
    .string()
    .describe(
      '`artifact`, `Model`, `Dataset`, `dataset ingest`, `run`, `predictions`, `job`, `audit archive`, `record`.',
    ),
  name: z.string().describe('Name of the owner: `taxi/3` for a model version, or the path of an artifact.'),
  file: z.string().describe('File name within the owner.'),
});
export type DamagedContentOwner = z.output<typeof contentOwnerSchema>;

export const damagedContentSchema = z.strictObject({
  locator: z.string().describe('Key of the object in the blob store.'),
  sha256: z.string().nullable().describe('Expected SHA-256; null until the bytes of a direct upload were read.'),
  size: z.int().describe('Expected size in bytes.'),
  kind: z
    .enum(['missing', 'truncated', 'altered', 'unreadable'])
    .describe(
      '`missing`: the object does not exist. `truncated`: it is shorter. `altered`: its bytes differ. `unreadable`: the disk reports errors.',
    ),
  foundAt: time,
  owners: z.array(contentOwnerSchema).describe('References to the object; at most 20.'),
});
export type DamagedContent = z.output<typeof damagedContentSchema>;

export const contentStatusOperation = defineOperation({
  name: 'content.status',
  action: 'content:read',
  mode: 'read',
  scope: 'org',
  summary: 'Reports how much stored content the scrub has checked, and how many objects are damaged.',
  input: z.strictObject({}),
  output: z.strictObject({
    state: z.enum(['never', 'running', 'finished']).describe('Start of the current or last pass.'),
    startedAt: time.optional(),
    finishedAt: time.optional(),
    objects: z.int().describe('Number of checked objects.'),
    totalObjects: z.int().describe('Number of objects at the start of the pass.'),
    bytes: z.int().describe('Number of checked bytes.'),
    totalBytes: z.int().describe('Number of bytes at the start of the pass.'),
    found: z.int().describe('Number of damaged objects found by the pass.'),
    damaged: z.int().describe('Current number of damaged objects.'),
    everyDays: z.int().describe('Interval between passes in days; 0: only on request.'),
    bytesPerSecond: z.int().describe('Maximum bytes per second that the scrub reads.'),
  }),
  target: () => ({ kind: 'Content' }),
  roles: ['admin'],
  http: { method: 'GET', path: '/api/v1/content', status: 200 },
});
export type ContentStatus = z.output<(typeof contentStatusOperation)['output']>;

export const listDamagedContentOperation = defineOperation({
  name: 'content.damaged',
  action: 'content:read',
  mode: 'read',
  scope: 'org',
  summary: 'Lists damaged objects of the blob store with their references in all projects.',
  input: z.strictObject({ ...pageInput }),
  output: z.strictObject({ items: z.array(damagedContentSchema), nextCursor: z.string().optional() }),
  target: () => ({ kind: 'Content' }),
  roles: ['admin'],
  http: { method: 'GET', path: '/api/v1/content/damaged', status: 200, query: ['limit', 'cursor'] },
});

export const scrubContentOperation = defineOperation({
  name: 'content.scrub',
  action: 'content:scrub',
  mode: 'write',
  scope: 'org',
  summary:
    'Starts a scrub of all stored content, damaged objects first. A running scrub continues. `content.status` shows the progress.',
  input: z.strictObject({}),
  output: z.strictObject({
    startedAt: time,
    isNew: z.boolean().describe('Whether a new pass started. False: a pass was already running.'),
  }),
  target: () => ({ kind: 'Content' }),
  roles: ['admin'],
  http: { method: 'POST', path: '/api/v1/content/actions/scrub', status: 202 },
});

export const contentOperations: readonly Operation[] = [
  contentStatusOperation,
  listDamagedContentOperation,
  scrubContentOperation,
];
