/**
 * Policies compared with what is in production. A separate file: the console's first view loads the other access
 * operations.
 */
import { z } from 'zod';
import { policyModes } from '#kinds/policy.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import { lineageNodeTypes } from '#records/lineage.ts';

const evaluation = {
  policy: z.string().describe('Id of the policy; `project/id` for project policies.'),
  result: z
    .enum(['violated', 'unknown'])
    .describe('`unknown`: a fact of the policy could not be computed. In enforce mode the request is denied.'),
  reason: z.string().describe('Reason.'),
};

export const policyViolationSchema = z.strictObject({
  ...evaluation,
  mode: z.enum(policyModes).describe('Mode of the policy.'),
  kind: z.enum(['Endpoint', 'Model']).describe('Kind of the resource.'),
  name: z.string().describe('Name of the resource.'),
  alias: z.string().optional().describe('Alias of the model that violates the policy.'),
  version: z.string().optional().describe('Version of the alias.'),
  facts: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
    .describe('Values of the facts that the policy uses. Unknown facts are omitted.'),
  path: z
    .array(
      z.strictObject({
        type: z
          .enum([...lineageNodeTypes, 'alias', 'variant', 'cause'])
          .describe('Node type. `variant`: the variants and shadows of the endpoint that serve the next version.'),
        name: z.string().describe('Display name; `hidden` if the caller may not read it.'),
        node: z.string().optional().describe('Lineage node.'),
      }),
    )
    .describe('Lineage path from the resource to the cause.'),
  since: z.string().describe('Time of the first detection; RFC 3339, UTC.'),
});
export type PolicyViolation = z.infer<typeof policyViolationSchema>;

export const listViolationsOperation = defineOperation({
  name: 'policy.violations',
  action: 'policy:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the endpoints and aliases of a project that violate a policy in audit or enforce mode.',
  input: z.strictObject({
    ...pageInput,
    policy: z.string().max(300).optional().describe('Only violations of this policy.'),
  }),
  output: z.strictObject({
    items: z.array(policyViolationSchema),
    nextCursor: z.string().optional(),
    evaluatedAt: z.string().optional().describe('Time of the last evaluation; absent: never. RFC 3339, UTC.'),
    notEvaluated: z
      .array(
        z.strictObject({
          policy: z.string().describe('Id of the policy.'),
          reason: z.string().describe('Reason why it applies only to requests.'),
        }),
      )
      .describe('Policies that use facts and cannot be evaluated without a request.'),
  }),
  target: () => ({ kind: 'Policy' }),
  http: { method: 'GET', path: '/api/v1/policy/violations', status: 200, query: ['limit', 'cursor', 'policy'] },
});

export const evaluatePoliciesOperation = defineOperation({
  name: 'policy.evaluate',
  action: 'policy:evaluate',
  mode: 'write',
  scope: 'project',
  summary: 'Evaluates the policies that use facts against the endpoints and aliases of a project.',
  input: z.strictObject({}),
  output: z.strictObject({
    resources: z.int().describe('Number of evaluated endpoints and aliases.'),
    violations: z.int().describe('Number of violations.'),
    complete: z
      .boolean()
      .describe('Whether all resources were evaluated. False: there are more than one evaluation covers.'),
  }),
  target: () => ({ kind: 'Policy' }),
  roles: ['operator', 'editor'],
  http: { method: 'POST', path: '/api/v1/policy/violations/evaluate', status: 200 },
});

export const auditedRefusalSchema = z.strictObject({
  ...evaluation,
  action: z.string().describe('Action: `endpoint:write`.'),
  kind: z.string().describe('Kind of the resource.'),
  name: z.string().describe('Name of the resource; empty for all.'),
  count: z.int().describe('Number of requests.'),
  principal: z.string().describe('User of the latest request.'),
  firstAt: z.string().describe('RFC 3339, UTC.'),
  lastAt: z.string().describe('RFC 3339, UTC.'),
});
export type AuditedRefusal = z.infer<typeof auditedRefusalSchema>;

export const listAuditedRefusalsOperation = defineOperation({
  name: 'policy.audited',
  action: 'policy:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists requests in a project that policies in audit mode would have denied, latest first.',
  input: z.strictObject({
    ...pageInput,
    policy: z.string().max(300).optional().describe('Only violations of this policy.'),
  }),
  output: z.strictObject({ items: z.array(auditedRefusalSchema), nextCursor: z.string().optional() }),
  target: () => ({ kind: 'Policy' }),
  http: { method: 'GET', path: '/api/v1/policy/audited', status: 200, query: ['limit', 'cursor', 'policy'] },
});

/** Queries about permissions; they change nothing. */
export const policyViolationOperations: readonly Operation[] = [
  listViolationsOperation,
  evaluatePoliciesOperation,
  listAuditedRefusalsOperation,
];
