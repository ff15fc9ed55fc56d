import { z } from 'zod';
import type { Role } from '#kinds/role-binding.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';

/** Something that is asked about while an operation runs, beside the operation's own action. */
export interface FurtherAction {
  readonly action: string;
  /** The kind that it is done to. */
  readonly kind: string;
  readonly roles: readonly Role[];
  readonly description: string;
}

export const furtherActions: readonly FurtherAction[] = [
  {
    action: 'secret:use',
    kind: 'Secret',
    roles: ['operator', 'editor'],
    description: 'Lets another resource use the values of a secret, by naming it in its spec.',
  },
  {
    action: 'execution:unisolated',
    kind: 'Execution',
    roles: [],
    description: 'Runs a step that sees all that the server sees.',
  },
  {
    action: 'execution:network',
    kind: 'Execution',
    roles: ['operator', 'editor'],
    description:
      'Runs a step that reaches other servers, through the outbound guard; also asked of whoever writes a pipeline or schedule with such a step.',
  },
];

const principal = z
  .string()
  .regex(/^(user|service):.{1,256}$/)
  .describe('`user:ada@example.com`, `service:ci`.');
const action = z.string().min(1).max(128).describe('`secret:read`.');
const policyEffect = z.enum(['permit', 'forbid']).describe('What it does when it applies.');

/** A policy or binding that had a say, as people are told of it. */
export const policyReasonSchema = z.strictObject({
  id: z.string().describe('Its `@id`, with the project in front for policies of a project; `RoleBinding/…` for roles.'),
  effect: policyEffect,
  message: z.string().optional().describe('Its `@message`.'),
  severity: z.string().optional().describe('Its `@severity`.'),
  control: z.string().optional().describe('Its `@control`.'),
});
export type PolicyReason = z.infer<typeof policyReasonSchema>;

const verdictFields = {
  verdict: z.enum(['allow', 'deny', 'some']).describe('`some`: it depends on which resource.'),
  reasons: z.array(policyReasonSchema).describe('What decided.'),
};

export const whyOperation = defineOperation({
  name: 'policy.why',
  action: 'policy:read',
  mode: 'read',
  scope: 'project',
  summary: 'Tells whether somebody may do something, which policies decide it and what would allow it.',
  input: z.strictObject({
    principal: principal.optional().describe('`user:ada@example.com`, `service:ci`. Default: whoever asks.'),
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
    ...verdictFields,
    principal: z.string().describe('Whom it is about.'),
    action: z.string().describe('What they would do.'),
    resource: z.string().describe('To what.'),
    suggestions: z.array(z.string()).describe('What would allow it, one sentence each; empty when it is allowed.'),
  }),
  http: { method: 'POST', path: '/api/v1/access/why', status: 200 },
});

const policySource = z
  .strictObject({
    kind: z.enum(['Policy', 'OrganisationPolicy']).describe('Which kind it would be.'),
    name: z.string().min(1).max(63).describe('Its name; one that is in force is replaced by it.'),
    cedar: z
      .string()
      .max(65_536)
      .optional()
      .describe('Its text, evaluated as if it were in enforce mode. Absent: what if it were removed?'),
  })
  .describe('A policy as it might be.');

export const testPolicyOperation = defineOperation({
  name: 'policy.test',
  action: 'policy:test',
  mode: 'read',
  scope: 'project',
  summary: 'Checks the policies of manifests and runs their tests. Changes nothing.',
  input: z.strictObject({
    file: z.string().max(4096).describe('Named in errors.'),
    text: z.string().max(4_194_304).describe('YAML or JSON with Policy and OrganisationPolicy documents.'),
  }),
  output: z.strictObject({
    passed: z.int().describe('How many cases came out as expected.'),
    failed: z.int().describe('How many did not.'),
    cases: z
      .array(
        z.strictObject({
          policy: z.string().describe('`OrganisationPolicy/name`.'),
          name: z.string().describe('What the case shows.'),
          passed: z.boolean().describe('It came out as expected.'),
          expected: z.string().describe('`allow`, `deny`, `refused`, `silent`.'),
          actual: z.string().describe('What came out.'),
          reasons: z.array(z.string()).describe('Ids of the policies that decided.'),
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
  summary: 'Tells which of the latest decisions would come out differently under another set of policies.',
  input: z.strictObject({
    candidates: z.array(policySource).min(1).max(50).describe('Policies as they might be.'),
    decisions: z.int().min(1).max(2000).default(500).describe('How many of the latest decisions are looked at.'),
  }),
  output: z.strictObject({
    examined: z.int().describe('Decisions that were looked at.'),
    skipped: z.int().describe('Decisions that cannot be made again: their principal or kind is gone.'),
    changes: z
      .array(
        z.strictObject({
          at: z.string().describe('When it was decided; RFC 3339, UTC.'),
          principal: z.string().describe('Who asked.'),
          action: z.string().describe('To do what.'),
          resource: z.string().describe('To what.'),
          before: z.enum(['allow', 'deny']).describe('By the policies in force.'),
          after: z.enum(['allow', 'deny']).describe('By those that might be.'),
          reasons: z.array(policyReasonSchema).describe('What would decide it then.'),
        }),
      )
      .describe('Those that would change, newest first.'),
  }),
  target: () => ({ kind: 'Access' }),
  roles: ['admin'],
  http: { method: 'POST', path: '/api/v1/access/simulate', status: 200 },
});

const accessOutput = z.strictObject({
  principal: z.string().describe('Whom it is about.'),
  suspended: z.boolean().describe('True: may do nothing.'),
  teams: z.array(z.string()).describe('Teams it belongs to, those above included.'),
  items: z
    .array(
      z.strictObject({
        kind: z.string().describe('What it is done to.'),
        action: z.string().describe('`secret:read`.'),
        ...verdictFields,
      }),
    )
    .describe('One entry for each kind and action.'),
});

/** What somebody may do in a project. */
export type OwnAccess = z.infer<typeof accessOutput>;

export const readOwnAccessOperation = defineOperation({
  name: 'access.mine',
  action: 'access:mine',
  mode: 'read',
  scope: 'project',
  summary: 'Tells what the caller may do in a project, and by which policies.',
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
  summary: 'Tells what somebody may do in a project, and by which policies.',
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
