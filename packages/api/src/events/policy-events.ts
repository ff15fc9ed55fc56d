import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const policy = z.string().describe('Id of the policy; `project/id` for project policies.');
const mode = z.enum(['enforce', 'audit']).describe('Mode of the policy.');
const reason = z.string().describe('Reason, in one sentence.');
const result = z
  .enum(['violated', 'unknown'])
  .describe('`unknown`: a fact that the policy uses could not be computed.');
const alias = z.string().optional().describe('Alias; absent: the resource itself.');

/** The subject of each is the resource that the policy applies to. */
export const policyEvents = {
  policyAudited: {
    type: 'policy.audited',
    v: 1,
    description: 'A request was allowed that a policy in audit mode would deny.',
    data: z.strictObject({
      policy,
      action: z.string().describe('Action: `endpoint:write`.'),
      kind: z.string().describe('Kind of the resource.'),
      name: z.string().optional().describe('Name of the resource.'),
      result,
      reason,
    }),
  },
  policyViolated: {
    type: 'policy.violated',
    v: 1,
    description: 'A resource in production started to violate a policy.',
    outcome: 'failed',
    // Without the lineage path: it can name objects that a reader of the event may not read.
    data: z.strictObject({ policy, mode, alias, result }),
  },
  policyViolationEnded: {
    type: 'policy.violation.ended',
    v: 1,
    description: 'A resource no longer violates a policy, or left production.',
    data: z.strictObject({ policy, alias }),
  },
} as const satisfies Record<string, EventType>;
