import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';

const time = z.string().describe('RFC 3339, UTC.');

export const contentOwnerSchema = z.strictObject({
  project: z.string().describe('Name of the project; its id when it no longer exists.'),
  kind: z
    .string()
    .describe(
      '`artifact`, `Model`, `Dataset`, `dataset ingest`, `run`, `predictions`, `job`, `audit archive`, `record`.',
    ),
  name: z.string().describe('Its name: `taxi/3` of a version of a model, the path of an artifact.'),
  file: z.string().describe('Name of the file among those of the owner.'),
});
export type DamagedContentOwner = z.output<typeof contentOwnerSchema>;

export const damagedContentSchema = z.strictObject({
  locator: z.string().describe('How the blob store names the object.'),
  sha256: z.string().nullable().describe('Of the right bytes; null until the bytes of a direct upload were read.'),
  size: z.int().describe('Bytes of the right object.'),
  kind: z
    .enum(['missing', 'truncated', 'altered', 'unreadable'])
    .describe(
      '`missing`: the store has no such object. `truncated`: it is shorter. `altered`: it has other bytes. `unreadable`: the disk reports errors.',
    ),
  foundAt: time,
  owners: z.array(contentOwnerSchema).describe('What refers to it, the first 20.'),
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
    state: z.enum(['never', 'running', 'finished']).describe('Of the current or the last pass.'),
    startedAt: time.optional(),
    finishedAt: time.optional(),
    objects: z.int().describe('Objects that the pass has checked.'),
    totalObjects: z.int().describe('Objects that it had to check when it started.'),
    bytes: z.int().describe('Bytes that the pass has checked.'),
    totalBytes: z.int().describe('Bytes that it had to check when it started.'),
    found: z.int().describe('Damaged objects that the pass has found.'),
    damaged: z.int().describe('Number of objects that are damaged now.'),
    everyDays: z.int().describe('Days from the start of one pass to the next; 0: only on request.'),
    bytesPerSecond: z.int().describe('Bytes that the scrub reads per second at most.'),
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
  summary: 'Lists damaged objects of the blob store, with what refers to them in all projects.',
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
  output: z.strictObject({ startedAt: time, isNew: z.boolean().describe('False: the pass was running before.') }),
  target: () => ({ kind: 'Content' }),
  roles: ['admin'],
  http: { method: 'POST', path: '/api/v1/content/actions/scrub', status: 202 },
});

export const contentOperations: readonly Operation[] = [
  contentStatusOperation,
  listDamagedContentOperation,
  scrubContentOperation,
];
