import { z } from 'zod';
import type { Issue } from '#errors.ts';
import { baseStatus, labelNameSchema, reference, type KindSpec } from '#manifest.ts';

/** Each role is an action group of the policies’ schema. */
export const roles = ['viewer', 'operator', 'editor', 'approver', 'admin', 'scraper', 'provisioner'] as const;
export type Role = (typeof roles)[number];

const roleBindingSpec = z.strictObject({
  role: z
    .enum(roles)
    .describe(
      '`viewer` reads; `operator` also runs and deploys; `editor` also changes; `approver` reads and approves; `admin` has all permissions, including role bindings and policies. `scraper` only reads the metrics of the server, and `provisioner` only manages users and groups that an identity provider provisions; both belong to the organization.',
    ),
  users: z.array(reference('User')).max(1000).optional().describe('Names of users.'),
  serviceAccounts: z.array(reference('ServiceAccount')).max(1000).optional().describe('Names of service accounts.'),
  teams: z.array(reference('Team')).max(1000).optional().describe('Names of teams.'),
});

/** In a project these roles would grant nothing. */
function checkProjectRole({ role }: z.output<typeof roleBindingSpec>): readonly Issue[] {
  if (role !== 'scraper' && role !== 'provisioner') return [];
  const what = role === 'scraper' ? 'the metrics of the server' : 'provisioned users and groups';
  const message = `grants access to ${what}, which belong to no project`;
  return [{ path: 'spec.role', message, expected: 'an OrganizationRoleBinding with this role' }];
}

const shared = {
  name: labelNameSchema,
  spec: roleBindingSpec,
  status: z.strictObject({ ...baseStatus }),
  actions: [],
  attributes: [
    { name: 'role', path: 'spec.role', type: 'string', fallback: 'viewer', description: 'Granted role.' },
    { name: 'users', path: 'spec.users', type: 'strings', fallback: [], description: 'Users with the role.' },
    { name: 'teams', path: 'spec.teams', type: 'strings', fallback: [], description: 'Teams with the role.' },
    {
      name: 'serviceAccounts',
      path: 'spec.serviceAccounts',
      type: 'strings',
      fallback: [],
      description: 'Service accounts with the role.',
    },
  ],
  columns: [
    { title: 'Role', path: 'spec.role' },
    { title: 'Users', path: 'spec.users' },
    { title: 'Teams', path: 'spec.teams' },
    { title: 'Service accounts', path: 'spec.serviceAccounts', wide: true },
  ],
} as const;

const example = (kind: string) => `apiVersion: dais.dev/v1
kind: ${kind}
metadata:
  name: vision-editors
spec:
  role: editor
  teams: [vision]
`;

export const roleBindingKind = {
  ...shared,
  kind: 'RoleBinding',
  plural: 'rolebindings',
  scope: 'project',
  check: checkProjectRole,
  description: 'Grants a role in one project.',
  example: example('RoleBinding'),
} as const satisfies KindSpec;

export const organizationRoleBindingKind = {
  ...shared,
  kind: 'OrganizationRoleBinding',
  plural: 'organizationrolebindings',
  shortNames: ['orgrolebinding'],
  scope: 'org',
  description: 'Grants a role in all projects and for organization kinds.',
  example: example('OrganizationRoleBinding'),
} as const satisfies KindSpec;
