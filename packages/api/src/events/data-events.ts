import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const version = z.int().describe('Number of the version.');
const id = z.uuid().describe('Id of the version.');
const reason = z.string().describe('Why.');
const tag = z.string().describe('Tag.');

/** The subject of each is the Dataset resource. */
export const dataEvents = {
  datasetVersionCreated: {
    type: 'dataset.version.created',
    v: 1,
    description: 'A dataset version was created. It is `ready`, or `building` until validation ends.',
    data: z.strictObject({
      version,
      id,
      state: z.enum(['building', 'ready']).describe('Whether the version is ready.'),
      rows: z.int().describe('Number of rows.'),
      bytes: z.int().describe('Size of all files in bytes.'),
      digest: z.string().describe('SHA-256 of the version manifest.'),
    }),
  },
  datasetVersionReady: {
    type: 'dataset.version.ready',
    v: 1,
    description: 'A dataset version passed validation and can be used.',
    data: z.strictObject({ version, id }),
  },
  datasetVersionQuarantined: {
    type: 'dataset.version.quarantined',
    v: 1,
    description: 'A blocking check failed or did not finish. The version cannot be used.',
    data: z.strictObject({ version, id, reason }),
    outcome: 'failed',
  },
  datasetVersionReleased: {
    type: 'dataset.version.released',
    v: 1,
    description: 'A quarantined version was released.',
    data: z.strictObject({ version, id, reason }),
  },
  datasetVersionBroken: {
    type: 'dataset.version.broken',
    v: 1,
    description: 'External files of a version changed or disappeared.',
    data: z.strictObject({ version, id, reason }),
    outcome: 'failed',
  },
  datasetVersionDeleted: {
    type: 'dataset.version.deleted',
    v: 1,
    description: 'The files of a version were deleted.',
    data: z.strictObject({ version, id, reason }),
  },
  datasetVersionTagged: {
    type: 'dataset.version.tagged',
    v: 1,
    description: 'A tag was set on a version.',
    data: z.strictObject({
      version,
      id,
      tag,
      before: z.int().optional().describe('Previous version of the tag.'),
    }),
  },
  datasetVersionUntagged: {
    type: 'dataset.version.untagged',
    v: 1,
    description: 'A tag was removed.',
    data: z.strictObject({ version, id, tag }),
  },
  datasetIngestFailed: {
    type: 'dataset.ingest.failed',
    v: 1,
    description: 'An ingestion failed and created no version.',
    data: z.strictObject({ ingest: z.uuid().describe('Id of the attempt.'), reason }),
    outcome: 'failed',
  },
} as const satisfies Record<string, EventType>;
