import { z } from 'zod';
import { baseStatus, labelNameSchema, type KindSpec } from '#manifest.ts';

export const policyModes = ['enforce', 'audit'] as const;
export type PolicyMode = (typeof policyModes)[number];

const policySpec = z.strictObject({
  description: z.string().max(1024).optional().describe('Description.'),
  mode: z
    .enum(policyModes)
    .optional()
    .describe(
      '`enforce` denies requests; `audit` only records what it would deny. Default: `audit` for policies with facts about upstream objects, otherwise `enforce`.',
    ),
  cedar: z
    .string()
    .min(1)
    .max(65_536)
    .describe(
      'One or more Cedar policies. Each needs `@id`; `@message` is shown in the error, `@severity` and `@control` are recorded in the audit log.',
    ),
  tests: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(256).describe('Description of the test case.'),
        principal: z.string().max(300).describe('`user:ada@example.com`, `service:ci`.'),
        action: z.string().max(128).describe('`secret:read`.'),
        resource: z.string().max(600).describe('`Secret/name` or `Kind/project/name`.'),
        entities: z
          .array(z.record(z.string(), z.unknown()))
          .max(100)
          .optional()
          .describe('Entities of the case in the JSON format of Cedar. The namespace and attributes are optional.'),
        context: z
          .record(z.string(), z.unknown())
          .optional()
          .describe(
            'Context of the request in the JSON format of Cedar. Default: a password without a second factor, 2026-01-01 12:00 UTC.',
          ),
        expect: z
          .enum(['allow', 'deny', 'refused', 'silent'])
          .describe(
            '`allow`, `deny`: the decision of these policies and the roles that are parents of the principal (`{type: Dais::Action, id: editor}`). `refused`, `silent`: the result of these policies alone; one forbids, or none applies.',
          ),
      }),
    )
    .max(500)
    .optional()
    .describe('Test cases. They run when the policy is applied and with `dais policy test`.'),
});

const policyStatus = z.strictObject({
  ...baseStatus,
  mode: z.enum(policyModes).optional().describe('The mode in effect.'),
  facts: z.array(z.string()).optional().describe('Facts that the policies use.'),
  policies: z
    .array(
      z.strictObject({
        id: z.string().describe('`@id` of the policy.'),
        effect: z.enum(['permit', 'forbid']).describe('Effect of the policy.'),
        message: z.string().optional().describe('`@message` of the policy.'),
      }),
    )
    .optional()
    .describe('Policies in the text.'),
  digest: z.string().optional().describe('SHA-256 of the text, hex.'),
});

const example = (kind: string) => `apiVersion: dais.dev/v1
kind: ${kind}
metadata:
  name: no-deletion-by-programs
spec:
  description: Programs may not delete projects' secrets
  cedar: |
    @id("no-deletion-by-programs")
    @message("Service accounts may not delete secrets; ask a person of the project")
    forbid(principal is Dais::ServiceAccount, action == Dais::Action::"secret:delete", resource);
`;

const shared = {
  name: labelNameSchema,
  spec: policySpec,
  status: policyStatus,
  actions: [],
  columns: [
    { title: 'Description', path: 'spec.description' },
    { title: 'Mode', path: 'status.mode' },
    { title: 'Digest', path: 'status.digest', wide: true },
  ],
} as const;

export const policyKind = {
  ...shared,
  kind: 'Policy',
  plural: 'policies',
  scope: 'project',
  description: 'A Cedar policy of one project that forbids or permits actions in addition to roles.',
  example: example('Policy'),
} as const satisfies KindSpec;

export const organizationPolicyKind = {
  ...shared,
  kind: 'OrganizationPolicy',
  plural: 'organizationpolicies',
  shortNames: ['orgpolicy'],
  scope: 'org',
  description: 'A Cedar policy of the organization that forbids or permits actions in addition to roles.',
  example: example('OrganizationPolicy'),
} as const satisfies KindSpec;
