import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const version = z.int().describe('Number of the version.');
const finding = {
  version,
  finding: z.uuid().describe('Id of the finding.'),
  rule: z.string().describe('What kind of finding it is.'),
  reason: z.string().describe('Why, as they said.'),
};

/** The subject of each is the Model. */
export const safetyEvents = {
  modelScanned: {
    type: 'model.version.scanned',
    v: 1,
    description: 'The files of a version were looked at for what could do harm when it is loaded.',
    data: z.strictObject({
      version,
      verdict: z.string().describe('`clean`, `review` or `blocked`.'),
      findings: z.int().describe('How many findings are open.'),
    }),
  },
  modelFindingWaived: {
    type: 'model.finding.waived',
    v: 1,
    description: 'Somebody said that what was found in a version may stay.',
    data: z.strictObject(finding),
  },
  modelFindingReopened: {
    type: 'model.finding.reopened',
    v: 1,
    description: 'Somebody took back that a finding may stay.',
    data: z.strictObject(finding),
  },
} as const satisfies Record<string, EventType>;
