import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const version = z.int().describe('Number of the version.');
const finding = {
  version,
  finding: z.uuid().describe('Id of the finding.'),
  rule: z.string().describe('Type of the finding.'),
  reason: z.string().describe('Reason that the user entered.'),
};

/** The subject of each is the Model. */
export const safetyEvents = {
  modelScanned: {
    type: 'model.version.scanned',
    v: 1,
    description: 'The files of a model version were scanned.',
    data: z.strictObject({
      version,
      result: z.string().describe('`clean`, `review` or `blocked`.'),
      findings: z.int().describe('Number of open findings.'),
    }),
  },
  modelFindingWaived: {
    type: 'model.finding.waived',
    v: 1,
    description: 'A scan finding was waived.',
    data: z.strictObject(finding),
  },
  modelFindingReopened: {
    type: 'model.finding.reopened',
    v: 1,
    description: 'A waiver of a scan finding was revoked.',
    data: z.strictObject(finding),
  },
} as const satisfies Record<string, EventType>;
