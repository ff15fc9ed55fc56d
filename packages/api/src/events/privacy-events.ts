import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const finding = {
  finding: z.uuid().describe('Id of the finding.'),
  column: z.string().describe('Name of the column.'),
  entity: z.string().describe('Category of the finding.'),
};
const reason = z.string().describe('Reason that the user entered.');

/** The subject of each is the Dataset resource; events about project keys have none. */
export const privacyEvents = {
  findingOpened: {
    type: 'dataset.finding.opened',
    v: 1,
    description: 'Personal data or secrets were found in a version.',
    data: z.strictObject({
      ...finding,
      version: z.int().describe('Number of the version.'),
      confidence: z.number().describe('Confidence, between 0 and 1.'),
    }),
  },
  findingResolved: {
    type: 'dataset.finding.resolved',
    v: 1,
    description: 'A finding was confirmed. The column stays masked.',
    data: z.strictObject({ ...finding, mask: z.string().describe('Masking method.'), reason }),
  },
  findingWaived: {
    type: 'dataset.finding.waived',
    v: 1,
    description: 'A finding was waived. The column is unmasked.',
    data: z.strictObject({
      ...finding,
      reason,
      expiresAt: z.int().optional().describe('Expiry of the waiver; milliseconds since 1970-01-01 UTC.'),
    }),
  },
  findingReopened: {
    type: 'dataset.finding.reopened',
    v: 1,
    description: 'A finding was reopened.',
    data: z.strictObject({ ...finding, reason }),
  },
  pseudonymKeyRotated: {
    type: 'dataset.pseudonymkey.rotated',
    v: 1,
    description: 'A pseudonym key was rotated.',
    data: z.strictObject({
      key: z.string().describe('Id of the new key.'),
      before: z.string().optional().describe('ID of the previous key.'),
    }),
  },
  pseudonymKeyDestroyed: {
    type: 'dataset.pseudonymkey.destroyed',
    v: 1,
    description: 'A pseudonym key was destroyed. Its pseudonyms can no longer be linked to persons.',
    data: z.strictObject({ key: z.string().describe('Id of the key.'), reason }),
  },
} as const satisfies Record<string, EventType>;
