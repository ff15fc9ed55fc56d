import { z } from 'zod';
import type { Role } from '#kinds/role-binding.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';

/** A further permission that an operation needs while it runs. */
export interface FurtherAction {
  readonly action: string;
  /** The kind of its target. */
  readonly kind: string;
  readonly roles: readonly Role[];
  readonly description: string;
}

export const furtherActions: readonly FurtherAction[] = [
  {
    action: 'secret:use',
    kind: 'Secret',
    roles: ['operator', 'editor'],
    description: 'Allows another resource to use the values of a secret by reference.',
  },
  {
    action: 'execution:unisolated',
    kind: 'Execution',
    roles: [],
    description: 'Runs a step without isolation, with the access of the server.',
  },
  {
    action: 'execution:network',
    kind: 'Execution',
    roles: ['operator', 'editor'],
    description:
      'Runs a step with network access through the outbound guard. Also required for writing a pipeline or schedule with such a step.',
  },
];

const principal = z
  .string()
  .regex(/^(user|service):.{1,256}$/)
  .describe('`user:ada@example.com`, `service:ci`.');
const action = z.string().min(1).max(128).describe('`secret:read`.');
const policyEffect = z.enum(['permit', 'forbid']).describe('Effect.');

/** A policy or binding that contributed to a decision, as shown to users. */
export const policyReasonSchema = z.strictObject({
  id: z.string().describe('Policy `@id`, prefixed with the project for project policies; `RoleBinding/…` for roles.'),
  effect: policyEffect,
  message: z.string().optional().describe('Policy `@message`.'),
  severity: z.string().optional().describe('Policy `@severity`.'),
  control: z.string().optional().describe('Policy `@control`.'),
});
export type PolicyReason = z.infer<typeof policyReasonSchema>;

const decisionFields = {
  decision: z.enum(['allow', 'deny', 'conditional']).describe('`conditional`: depends on the resource.'),
  reasons: z.array(policyReasonSchema).describe('Policies and roles that determined the decision.'),
};

export const whyOperation = defineOperation({
  name: 'policy.why',
  action: 'policy:read',
  mode: 'read',
  scope: 'project',
  summary: 'Explains whether an action is allowed, which policies determine the decision, and what would allow it.',
  input: z.strictObject({
    principal: principal.optional().describe('`user:ada@example.com`, `service:ci`. Default: the caller.'),
    action,
    resource: z
      .string()
      .max(600)
      .optional()
      .describe(
        '`Secret/name`, `Kind/project/name`, or `Kind` alone for all of them. Default: the kind of the action.',
      ),
  }),
  output: z.strictObject({
    ...decisionFields,
    principal: z.string().describe('Principal.'),
    action: z.string().describe('Action.'),
    resource: z.string().describe('Resource.'),
    suggestions: z.array(z.string()).describe('Changes that would allow the action; empty if it is allowed.'),
  }),
  http: { method: 'POST', path: '/api/v1/access/why', status: 200 },
});

const policySource = z
  .strictObject({
    kind: z.enum(['Policy', 'OrganizationPolicy']).describe('Kind of the policy.'),
    name: z.string().min(1).max(63).describe('Name; replaces the policy of this name.'),
    cedar: z
      .string()
      .max(65_536)
      .optional()
      .describe('Policy text, evaluated in enforce mode. Absent: simulate its removal.'),
  })
  .describe('A proposed policy.');

export const testPolicyOperation = defineOperation({
  name: 'policy.test',
  action: 'policy:test',
  mode: 'read',
  scope: 'project',
  summary: 'Validates policies and runs their test cases without applying them.',
  input: z.strictObject({
    file: z.string().max(4096).describe('Named in errors.'),
    text: z.string().max(4_194_304).describe('YAML or JSON with Policy and OrganizationPolicy documents.'),
  }),
  output: z.strictObject({
    passed: z.int().describe('Number of passed test cases.'),
    failed: z.int().describe('Number of failed test cases.'),
    cases: z
      .array(
        z.strictObject({
          policy: z.string().describe('`OrganizationPolicy/name`.'),
          name: z.string().describe('Description of the test case.'),
          passed: z.boolean().describe('Whether the test case passed.'),
          expected: z.string().describe('`allow`, `deny`, `refused`, `silent`.'),
          actual: z.string().describe('Actual result.'),
          reasons: z.array(z.string()).describe('Ids of the policies that determined the result.'),
        }),
      )
      .describe('One entry for each case.'),
  }),
  target: () => ({ kind: 'Access' }),
  self: true,
  http: { method: 'POST', path: '/api/v1/access/test', status: 200 },
});

export const simulatePolicyOperation = defineOperation({
  name: 'policy.simulate',
  action: 'policy:simulate',
  mode: 'read',
  scope: 'project',
  summary: 'Simulates policies on past decisions and returns the decisions that would change.',
  input: z.strictObject({
    candidates: z.array(policySource).min(1).max(50).describe('Proposed policies.'),
    decisions: z.int().min(1).max(2000).default(500).describe('Number of past decisions to evaluate.'),
  }),
  output: z.strictObject({
    examined: z.int().describe('Number of evaluated decisions.'),
    skipped: z.int().describe('Decisions that cannot be evaluated: the principal or kind no longer exists.'),
    changes: z
      .array(
        z.strictObject({
          at: z.string().describe('Time of the decision; RFC 3339, UTC.'),
          principal: z.string().describe('User who requested it.'),
          action: z.string().describe('Action.'),
          resource: z.string().describe('Resource.'),
          before: z.enum(['allow', 'deny']).describe('Result with the policies in force.'),
          after: z.enum(['allow', 'deny']).describe('Result with the proposed policies.'),
          reasons: z.array(policyReasonSchema).describe('Policies that would determine the result.'),
        }),
      )
      .describe('Changed decisions, newest first.'),
  }),
  target: () => ({ kind: 'Access' }),
  roles: ['admin'],
  http: { method: 'POST', path: '/api/v1/access/simulate', status: 200 },
});

const accessOutput = z.strictObject({
  principal: z.string().describe('Principal.'),
  suspended: z.boolean().describe('Whether the principal is suspended.'),
  teams: z.array(z.string()).describe('Teams of the principal, including parent teams.'),
  items: z
    .array(
      z.strictObject({
        kind: z.string().describe('Kind of the target.'),
        action: z.string().describe('`secret:read`.'),
        ...decisionFields,
      }),
    )
    .describe('One entry for each kind and action.'),
});

/** The permissions of a principal in a project. */
export type OwnAccess = z.infer<typeof accessOutput>;

export const readOwnAccessOperation = defineOperation({
  name: 'access.mine',
  action: 'access:mine',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the permissions of the caller in a project with the policies that grant them.',
  input: z.strictObject({}),
  output: accessOutput,
  target: () => ({ kind: 'Access' }),
  self: true,
  http: { method: 'GET', path: '/api/v1/access/mine', status: 200 },
});

export const readAccessOperation = defineOperation({
  name: 'access.of',
  action: 'policy:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the permissions of a principal in a project with the policies that grant them.',
  input: z.strictObject({ principal }),
  output: accessOutput,
  target: () => ({ kind: 'Policy' }),
  http: { method: 'GET', path: '/api/v1/access/principals/:principal', status: 200 },
});

export const accessOperations: readonly Operation[] = [
  whyOperation,
  testPolicyOperation,
  simulatePolicyOperation,
  readOwnAccessOperation,
  readAccessOperation,
];
