import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import { usageGroups, usageMeasures, usageRecordSchema, usageSumSchema, usageTypes } from '#records/usage.ts';

const target = () => ({ kind: 'Usage' });

const time = z.iso.datetime({ offset: true });
const name = z.string().min(1).max(256);
const filter = {
  from: time.optional().describe('Start of the period. Default: 30 days before its end.'),
  until: time.optional().describe('End of the period. Default: now.'),
  type: z.enum(usageTypes).optional().describe('Only usage of this type.'),
  person: name.optional().describe('Only usage of this user, or of `service:NAME`.'),
  resource: z.string().min(1).max(512).optional().describe('Only usage of this resource: `Pipeline/train`.'),
  team: name.optional().describe('Only usage of projects with this label `team`.'),
};
const projectFilter = {
  ...filter,
  project: z.string().min(1).max(63).optional().describe('Only usage of this project.'),
};
const filterNames = ['from', 'until', 'type', 'person', 'resource', 'team'] as const;

const grouped = { by: z.enum(usageGroups).default('resource').describe('What usage is grouped by.') };
const series = {
  ...grouped,
  measure: z.enum(usageMeasures).default('stepSeconds').describe('The quantity of the series.'),
  top: z.int().min(1).max(20).default(6).describe('Number of groups with a series of their own, largest first.'),
};
const format = z.enum(['csv', 'parquet']).default('csv').describe('File format.');

const period = {
  from: z.string().describe('Start of the period (RFC 3339, UTC).'),
  until: z.string().describe('End of the period (RFC 3339, UTC).'),
};

const recordPage = z.strictObject({
  items: z.array(usageRecordSchema).describe('Records that overlap the period, latest end first.'),
  nextCursor: z.string().optional(),
});
const sumPage = z.strictObject({
  ...period,
  items: z.array(usageSumSchema).describe('Sums in the period by group, in order of the group.'),
  total: usageSumSchema.describe('Sum of all groups; its key is null.'),
  nextCursor: z.string().optional(),
});
const seriesOutput = z.strictObject({
  ...period,
  days: z.array(z.string()).describe('Start of each day (RFC 3339, UTC).'),
  series: z
    .array(
      z.strictObject({
        key: z.string().nullable().describe('Name of the group. Null: usage without one.'),
        others: z.literal(true).optional().describe('The sum of all further groups.'),
        values: z.array(z.number()).describe('A value for each day.'),
      }),
    )
    .describe('The largest groups, then the sum of the others.'),
});
const file = z.strictObject({
  size: z.int().describe('Bytes of the file.'),
  sha256: z.string().nullable().describe('SHA-256, hex; null if it was not computed.'),
});

const root = '/api/v1/usage' as const;
const get = (path: HttpBinding['path'], query: readonly string[]): HttpBinding => ({
  method: 'GET',
  path,
  status: 200,
  query,
});
const pages = ['limit', 'cursor'] as const;

const ofProject = { action: 'usage:read', mode: 'read', scope: 'project', target } as const;

export const listUsageOperation = defineOperation({
  ...ofProject,
  name: 'usage.list',
  summary: 'Lists the usage records of a project, latest end first.',
  input: z.strictObject({ ...pageInput, ...filter }),
  output: recordPage,
  http: get(`${root}/records`, [...pages, ...filterNames]),
});

export const sumUsageOperation = defineOperation({
  ...ofProject,
  name: 'usage.sum',
  summary: 'Sums the usage of a project in a period, by person, resource or another group.',
  input: z.strictObject({ ...pageInput, ...filter, ...grouped }),
  output: sumPage,
  http: get(root, [...pages, ...filterNames, 'by']),
});

export const usageSeriesOperation = defineOperation({
  ...ofProject,
  name: 'usage.series',
  summary: 'Returns a quantity of the usage of a project for each day of a period.',
  input: z.strictObject({ ...filter, ...series }),
  output: seriesOutput,
  http: get(`${root}/days`, [...filterNames, 'by', 'measure', 'top']),
});

export const exportUsageOperation = defineOperation({
  ...ofProject,
  name: 'usage.export',
  summary: 'Exports the usage records of a project as a file.',
  input: z.strictObject({ ...filter, format }),
  output: file,
  http: { ...get(`${root}/export`, [...filterNames, 'format']), content: 'download' },
});

const organization = '/api/v1/organization/usage' as const;
const ofOrganization = {
  action: 'organizationUsage:read',
  mode: 'read',
  scope: 'org',
  target,
  roles: ['admin'],
} as const;

export const listOrganizationUsageOperation = defineOperation({
  ...ofOrganization,
  name: 'organizationUsage.list',
  summary: 'Lists the usage records of all projects, also of deleted ones, latest end first.',
  input: z.strictObject({ ...pageInput, ...projectFilter }),
  output: recordPage,
  http: get(`${organization}/records`, [...pages, ...filterNames, 'project']),
});

export const sumOrganizationUsageOperation = defineOperation({
  ...ofOrganization,
  name: 'organizationUsage.sum',
  summary: 'Sums the usage of all projects in a period, by project, person, resource or another group.',
  input: z.strictObject({ ...pageInput, ...projectFilter, ...grouped }),
  output: sumPage,
  http: get(organization, [...pages, ...filterNames, 'project', 'by']),
});

export const organizationUsageSeriesOperation = defineOperation({
  ...ofOrganization,
  name: 'organizationUsage.series',
  summary: 'Returns a quantity of the usage of all projects for each day of a period.',
  input: z.strictObject({ ...projectFilter, ...series }),
  output: seriesOutput,
  http: get(`${organization}/days`, [...filterNames, 'project', 'by', 'measure', 'top']),
});

export const exportOrganizationUsageOperation = defineOperation({
  ...ofOrganization,
  name: 'organizationUsage.export',
  summary: 'Exports the usage records of all projects as a file.',
  input: z.strictObject({ ...projectFilter, format }),
  output: file,
  http: { ...get(`${organization}/export`, [...filterNames, 'project', 'format']), content: 'download' },
});

const ofCaller = { action: 'usage:own', mode: 'read', scope: 'org', target, self: true } as const;

export const listOwnUsageOperation = defineOperation({
  ...ofCaller,
  name: 'ownUsage.list',
  summary: 'Lists the usage records of the caller in all projects, latest end first.',
  input: z.strictObject({ ...pageInput, ...projectFilter }).omit({ person: true }),
  output: recordPage,
  http: get(`${root}/own/records`, [...pages, ...filterNames.filter((one) => one !== 'person'), 'project']),
});

export const sumOwnUsageOperation = defineOperation({
  ...ofCaller,
  name: 'ownUsage.sum',
  summary: 'Sums the usage of the caller in all projects in a period.',
  input: z.strictObject({ ...pageInput, ...projectFilter, ...grouped }).omit({ person: true }),
  output: sumPage,
  http: get(`${root}/own`, [...pages, ...filterNames.filter((one) => one !== 'person'), 'project', 'by']),
});

export const usageOperations: readonly Operation[] = [
  listUsageOperation,
  sumUsageOperation,
  usageSeriesOperation,
  exportUsageOperation,
  listOrganizationUsageOperation,
  sumOrganizationUsageOperation,
  organizationUsageSeriesOperation,
  exportOrganizationUsageOperation,
  listOwnUsageOperation,
  sumOwnUsageOperation,
];
