import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const finding = {
  finding: z.uuid().describe('Id of the finding.'),
  column: z.string().describe('Name of the column.'),
  entity: z.string().describe('What it looks like.'),
};
const reason = z.string().describe('Why, as they said.');

/** The subject of each is the Dataset resource; of keys of the project there is none. */
export const privacyEvents = {
  findingOpened: {
    type: 'dataset.finding.opened',
    v: 1,
    description: 'A version holds what looks personal or secret.',
    data: z.strictObject({
      ...finding,
      version: z.int().describe('Number of the version.'),
      confidence: z.number().describe('How sure, between 0 and 1.'),
    }),
  },
  findingResolved: {
    type: 'dataset.finding.resolved',
    v: 1,
    description: 'Somebody confirmed a finding: the column stays masked.',
    data: z.strictObject({ ...finding, mask: z.string().describe('How it is masked.'), reason }),
  },
  findingWaived: {
    type: 'dataset.finding.waived',
    v: 1,
    description: 'Somebody said that a column may be shown as it is.',
    data: z.strictObject({
      ...finding,
      reason,
      expiresAt: z.int().optional().describe('When it is open again; milliseconds since 1970-01-01 UTC.'),
    }),
  },
  findingReopened: {
    type: 'dataset.finding.reopened',
    v: 1,
    description: 'Somebody took back what was said of a finding.',
    data: z.strictObject({ ...finding, reason }),
  },
  pseudonymKeyRotated: {
    type: 'dataset.pseudonymkey.rotated',
    v: 1,
    description: 'Pseudonyms are made with a new key.',
    data: z.strictObject({
      key: z.string().describe('Id of the new key.'),
      before: z.string().optional().describe('The one before.'),
    }),
  },
  pseudonymKeyDestroyed: {
    type: 'dataset.pseudonymkey.destroyed',
    v: 1,
    description: 'A key is gone for good, and with it the way from its pseudonyms to people.',
    data: z.strictObject({ key: z.string().describe('Id of the key.'), reason }),
  },
} as const satisfies Record<string, EventType>;
