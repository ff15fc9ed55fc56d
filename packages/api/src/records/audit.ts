import { z } from 'zod';

/** The readable form of one entry of the audit ledger. */
export const auditEntrySchema = z.strictObject({
  seq: z.int().describe('Index in the log, from 0.'),
  at: z.string().describe('Time of the event; RFC 3339, UTC.'),
  type: z.string().describe('Event type.'),
  outcome: z.enum(['succeeded', 'denied', 'failed']).describe('Outcome of the operation.'),
  project: z
    .strictObject({
      id: z.string().describe('Id.'),
      name: z.string().optional().describe('Name at that time.'),
    })
    .optional()
    .describe('Absent for entries of the organization.'),
  actor: z
    .strictObject({
      type: z.string().describe('`user`, `service` or `system`.'),
      id: z.string().describe('Login name; `(forgotten)` when the person was forgotten.'),
    })
    .describe('Actor.'),
  via: z
    .strictObject({
      method: z.string().describe('Authentication method: `password`, `oidc`, `token`, `owner-token`, …'),
      mfa: z.boolean().describe('Whether a second factor was used.'),
      credential: z.string().optional().describe('Id of the session or token.'),
      address: z.string().optional().describe('Where the request came from.'),
      userAgent: z.string().optional().describe('User agent of the client.'),
    })
    .optional()
    .describe('Authentication of the actor; absent for the platform itself.'),
  decision: z
    .strictObject({
      policies: z.array(z.string()).describe('Ids of the policies that determined the decision.'),
      set: z.string().describe('Digest of all policies in force.'),
    })
    .optional()
    .describe('Policy decision.'),
  requestId: z.string().optional().describe('Request id.'),
  subject: z
    .strictObject({
      kind: z.string().describe('Kind.'),
      name: z.string().describe('Name; `(forgotten)` when the person was forgotten.'),
      uid: z.string().optional().describe('Uid.'),
    })
    .optional()
    .describe('Target of the operation.'),
  data: z.record(z.string(), z.unknown()).optional().describe('Data of this event type.'),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditFindingSchema = z.strictObject({
  type: z.string().describe('`missing`, `edited`, `misplaced`, `changed`, `truncated`, `restored` or `branch`.'),
  message: z.string().describe('Description of the problem.'),
});
