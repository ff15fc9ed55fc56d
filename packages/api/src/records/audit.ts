import { z } from 'zod';

/** What readers see of one entry of the audit ledger. */
export const auditEntrySchema = z.strictObject({
  seq: z.int().describe('Its place in the log, from 0.'),
  at: z.string().describe('When it happened; RFC 3339, UTC.'),
  type: z.string().describe('One of the types of events.'),
  outcome: z.enum(['succeeded', 'denied', 'failed']).describe('How the attempt ended.'),
  project: z
    .strictObject({
      id: z.string().describe('Its id.'),
      name: z.string().optional().describe('Its name at that time.'),
    })
    .optional()
    .describe('Absent for entries of the organization.'),
  actor: z
    .strictObject({
      type: z.string().describe('`user`, `service` or `system`.'),
      id: z.string().describe('Login name; `(forgotten)` when the person was forgotten.'),
    })
    .describe('Who did it.'),
  via: z
    .strictObject({
      method: z.string().describe('How they proved who they are: `password`, `oidc`, `token`, `owner-token`, …'),
      mfa: z.boolean().describe('A second factor was used.'),
      credential: z.string().optional().describe('Id of the session or token.'),
      address: z.string().optional().describe('Where the request came from.'),
      userAgent: z.string().optional().describe('What the client calls itself.'),
    })
    .optional()
    .describe('How they came in; absent for the platform itself.'),
  decision: z
    .strictObject({
      policies: z.array(z.string()).describe('Ids of the policies that permitted or refused it.'),
      set: z.string().describe('Digest of all policies that were in force.'),
    })
    .optional()
    .describe('Why it was permitted or refused.'),
  requestId: z.string().optional().describe('The request that did it.'),
  subject: z
    .strictObject({
      kind: z.string().describe('Its kind.'),
      name: z.string().describe('Its name; `(forgotten)` when it was a person who was forgotten.'),
      uid: z.string().optional().describe('Its uid.'),
    })
    .optional()
    .describe('What it was done to.'),
  data: z.record(z.string(), z.unknown()).optional().describe('What each type has for itself.'),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditFindingSchema = z.strictObject({
  type: z.string().describe('`missing`, `edited`, `misplaced`, `changed`, `truncated`, `restored` or `branch`.'),
  message: z.string().describe('What is wrong, as a sentence.'),
});
