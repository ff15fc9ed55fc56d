import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const version = z.int().describe('Number of the version.');
const id = z.uuid().describe('Id of the version.');
const reason = z.string().describe('Why.');
const tag = z.string().describe('The tag.');

/** The subject of each is the Dataset resource. */
export const dataEvents = {
  datasetVersionCreated: {
    type: 'dataset.version.created',
    v: 1,
    description: 'A dataset got a version. It is `ready` or, until its checks have ended, `building`.',
    data: z.strictObject({
      version,
      id,
      state: z.enum(['building', 'ready']).describe('Whether it may be used already.'),
      rows: z.int().describe('How many rows it has.'),
      bytes: z.int().describe('Size of its files.'),
      digest: z.string().describe('SHA-256 of its manifest.'),
    }),
  },
  datasetVersionReady: {
    type: 'dataset.version.ready',
    v: 1,
    description: 'The checks of a version have passed: it may be used.',
    data: z.strictObject({ version, id }),
  },
  datasetVersionQuarantined: {
    type: 'dataset.version.quarantined',
    v: 1,
    description: 'A check that blocks failed, or did not end: the version may not be used.',
    data: z.strictObject({ version, id, reason }),
    outcome: 'failed',
  },
  datasetVersionReleased: {
    type: 'dataset.version.released',
    v: 1,
    description: 'Somebody let a quarantined version be used all the same.',
    data: z.strictObject({ version, id, reason }),
  },
  datasetVersionBroken: {
    type: 'dataset.version.broken',
    v: 1,
    description: 'What a version points at elsewhere has changed or gone.',
    data: z.strictObject({ version, id, reason }),
    outcome: 'failed',
  },
  datasetVersionDeleted: {
    type: 'dataset.version.deleted',
    v: 1,
    description: 'The files of a version are gone.',
    data: z.strictObject({ version, id, reason }),
  },
  datasetVersionTagged: {
    type: 'dataset.version.tagged',
    v: 1,
    description: 'A tag points to a version.',
    data: z.strictObject({ version, id, tag, before: z.int().optional().describe('Where it pointed before.') }),
  },
  datasetVersionUntagged: {
    type: 'dataset.version.untagged',
    v: 1,
    description: 'A tag was taken away.',
    data: z.strictObject({ version, id, tag }),
  },
  datasetIngestFailed: {
    type: 'dataset.ingest.failed',
    v: 1,
    description: 'No version could be made of what was given.',
    data: z.strictObject({ ingest: z.uuid().describe('Id of the attempt.'), reason }),
    outcome: 'failed',
  },
} as const satisfies Record<string, EventType>;
