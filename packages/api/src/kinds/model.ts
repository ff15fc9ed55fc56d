import { z } from 'zod';
import type { Issue } from '#errors.ts';
import { checkModelTests, modelTestsSchema } from '#kinds/model-tests.ts';
import { baseStatus, reference, type KindSpec } from '#manifest.ts';

/** Names for a version in addition to its number; see `isReservedAlias`. */
export const aliasSchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[A-Za-z0-9_-]+$/, { message: 'letters, digits, `_` and `-`' });

/** Numbers and `latest` already have a meaning in version references. */
export function isReservedAlias(alias: string): boolean {
  return /^(latest|v\d+)$/i.test(alias);
}

/**
 * As registry clients write it into URIs, `models:/NAME/3`: a resource name without `/` and `:`, and neither `.` nor
 * `..`. In one pattern without lookahead, which every reader of JSON Schema supports.
 */
const modelName = z
  .string()
  .min(1)
  .max(256)
  .regex(
    // oxlint-disable-next-line no-control-regex -- the pattern excludes control characters
    /^([^\u0000-\u0020\u007f-\u00a0/:.]([^\u0000-\u001f\u007f-\u009f/:]*[^\u0000-\u0020\u007f-\u00a0/:])?|\.([^\u0000-\u0020\u007f-\u00a0/:.]|[^\u0000-\u001f\u007f-\u009f/:.][^\u0000-\u001f\u007f-\u009f/:]*[^\u0000-\u0020\u007f-\u00a0/:])|\.\.[^\u0000-\u001f\u007f-\u009f/:]*[^\u0000-\u0020\u007f-\u00a0/:])$/,
    { message: 'printable characters without `/` and `:`, not starting or ending with a space, and not `.` or `..`' },
  );

/** Stages of a version, the older form of aliases. `None`: unset. */
export const stages = ['None', 'Staging', 'Production', 'Archived'] as const;
export type Stage = (typeof stages)[number];

const approvalRule = z.strictObject({
  aliases: z.array(aliasSchema).max(50).optional().describe('Aliases that move to a version only with approval.'),
  stages: z
    .array(z.enum(['Staging', 'Production']))
    .max(2)
    .optional()
    .describe('Stages that a version enters only with approval.'),
  teams: z
    .array(
      z.strictObject({
        team: reference('Team').describe('Name of the Team.'),
        members: z.int().min(1).max(20).default(1).describe('Required number of approving members.'),
      }),
    )
    .max(20)
    .optional()
    .describe('Teams that must approve, each one.'),
  users: z.array(reference('User')).max(20).optional().describe('Users who must approve, each one.'),
  ownApproval: z
    .boolean()
    .default(false)
    .describe('Whether the user who registered the version or requested approval can approve it.'),
});
export type ApprovalRule = z.input<typeof approvalRule>;

const objective = z.strictObject({
  metric: z.string().min(1).max(250).describe('Name of the metric, as runs log it.'),
  direction: z.enum(['maximize', 'minimize']).describe('Whether higher or lower values are better.'),
  target: z.number().optional().describe('Target value.'),
  slice: z.string().max(1024).optional().describe('Slice of the data: `country = de`. Default: all data.'),
  businessFigure: z.string().max(1024).optional().describe('Business metric that the objective improves.'),
});

export const modelTypes = ['model', 'prompt'] as const;

export const modelSpec = z.strictObject({
  type: z.enum(modelTypes).default('model').describe('`prompt`: versions are prompt templates. Immutable.'),
  description: z.string().max(5000).optional().describe('Description. If set here, registry clients cannot change it.'),
  owner: reference('Team').optional().describe('Owner team.'),
  intendedUse: z.string().max(5000).optional().describe('Intended use and limits.'),
  approvals: z.array(approvalRule).max(50).optional().describe('Approval rules for aliases and stages.'),
  objectives: z
    .array(objective)
    .max(50)
    .optional()
    .describe('Objectives for comparing versions; the first has priority.'),
  tests: modelTestsSchema,
});
export type ModelSpec = z.input<typeof modelSpec>;

function checkModel({ approvals = [], tests = [] }: z.output<typeof modelSpec>): Issue[] {
  return [...checkApprovals(approvals), ...checkModelTests(tests)];
}

/** A rule that covers no alias, or has no approver, is rejected early. */
function checkApprovals(approvals: readonly z.output<typeof approvalRule>[]): Issue[] {
  return approvals.flatMap(({ aliases = [], stages: covered = [], teams = [], users = [] }, at) => {
    const issues: Issue[] = [];
    const path = `spec.approvals[${at}]`;
    if (aliases.length + covered.length === 0) {
      issues.push({ path, message: 'covers nothing', expected: '`aliases` or `stages`' });
    }
    if (teams.length + users.length === 0) {
      issues.push({ path, message: 'has no approvers', expected: '`teams` or `users`' });
    }
    for (const [index, alias] of aliases.entries()) {
      if (isReservedAlias(alias)) {
        const expected = 'another word than `latest`, and not a version';
        issues.push({ path: `${path}.aliases[${index}]`, message: `is "${alias}", which is reserved`, expected });
      }
    }
    return issues;
  });
}

export const modelKind = {
  kind: 'Model',
  plural: 'models',
  scope: 'project',
  description:
    'A registered model or prompt with its owner, intended use, approval rules and objectives. Versions, aliases and tags are in the registry, not in the manifest.',
  name: modelName,
  spec: modelSpec,
  status: z.strictObject({ ...baseStatus }),
  check: checkModel,
  immutable: ['type'],
  actions: [],
  attributes: [
    { name: 'type', path: 'spec.type', type: 'string', fallback: 'model', description: '`model` or `prompt`.' },
    { name: 'team', path: 'spec.owner', type: 'string', fallback: '', description: 'Owner team.' },
  ],
  columns: [
    { title: 'Type', path: 'spec.type' },
    { title: 'Owner', path: 'spec.owner' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Model
metadata:
  name: flight-delay
spec:
  description: Minutes of delay on arrival, an hour before departure
  intendedUse: Planning of gates; not for compensation of passengers
  approvals:
    - aliases: [champion]
      stages: [Production]
      teams:
        - team: vision
  objectives:
    - metric: mean_absolute_error
      direction: minimize
      target: 9
      businessFigure: One minute less saves 40 gate changes a day
  tests:
    - name: later in the day is worse
      check: direction
      input: {hour: 6, distance: 300}
      column: hour
      values: [6, 12, 18]
      goes: up
`,
} as const satisfies KindSpec;
