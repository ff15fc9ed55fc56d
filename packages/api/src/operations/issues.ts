import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { issueSchema, issueSeverities, issueStatuses } from '#records/issue.ts';

const issues = '/api/v1/tracking/issues' as const;
const ofIssue = () => ({ kind: 'Issue' });
/** Programs that evaluate traces find issues. */
const WRITERS = ['operator', 'editor'] as const;

const id = z
  .string()
  .regex(/^iss-[A-Za-z0-9_-]{1,60}$/)
  .describe('Id of the issue.');
const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment.');
const text = (most: number) => z.string().min(1).max(most);
const time = z.int().min(0).max(8_640_000_000_000_000);
const names = (what: string) => z.array(text(250)).max(100).describe(what);
const metadata = z.record(z.string().min(1).max(250), z.string().max(8000)).describe('Metadata, at most 100 entries.');
const fields = {
  name: text(250).describe('Short name.'),
  description: text(65_536).describe('Description.'),
  status: z.enum(issueStatuses).describe('Status.'),
  severity: z.enum(issueSeverities).describe('Severity.'),
  categories: names('Categories.'),
  seenAt: time.describe('Time of the latest observation in milliseconds since 1970-01-01 UTC.'),
  metadata,
};
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const createIssueOperation = defineOperation({
  name: 'issue.create',
  action: 'issue:create',
  mode: 'write',
  scope: 'project',
  summary: 'Creates an issue of an experiment.',
  input: z.strictObject({
    id: id.optional().describe('Id. Default: generated.'),
    experimentId,
    name: fields.name,
    description: fields.description,
    status: fields.status.default('pending'),
    severity: fields.severity.optional(),
    rootCauses: z.array(text(65_536)).max(100).default([]).describe('Root causes.'),
    categories: fields.categories.default([]),
    sourceRunId: text(256).optional().describe('Id of the run that found the issue.'),
    seenAt: fields.seenAt.optional(),
    metadata: fields.metadata.default({}),
    createdBy: text(250).optional().describe('Name of the author.'),
  }),
  output: issueSchema,
  target: ofIssue,
  roles: WRITERS,
  http: http('POST', issues, { status: 201 }),
});

export const readIssueOperation = defineOperation({
  name: 'issue.get',
  action: 'issue:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns an issue.',
  input: z.strictObject({ id }),
  output: issueSchema,
  target: ofIssue,
  http: http('GET', `${issues}/:id`),
});

export const updateIssueOperation = defineOperation({
  name: 'issue.update',
  action: 'issue:update',
  mode: 'write',
  scope: 'project',
  summary: 'Updates an issue. The time of the latest observation never moves backwards.',
  input: z.strictObject({
    id,
    name: fields.name.optional(),
    description: fields.description.optional(),
    status: fields.status.optional(),
    severity: fields.severity.optional(),
    categories: fields.categories.optional(),
    seenAt: fields.seenAt.optional(),
    metadata: fields.metadata.optional().describe('Metadata to set.'),
    removeMetadata: z.array(z.string().max(250)).max(100).optional().describe('Keys of metadata to remove.'),
    updatedBy: text(250).optional().describe('Name of the author.'),
  }),
  output: issueSchema,
  target: ofIssue,
  roles: WRITERS,
  http: http('POST', `${issues}/:id`),
});

export const searchIssuesOperation = defineOperation({
  name: 'issue.search',
  action: 'issue:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches issues, by default the most severe first and then the newest first.',
  input: z.strictObject({
    experimentId: experimentId.optional().describe('Id of the experiment. Default: all that are not deleted.'),
    filter: z.string().max(65_536).optional().describe("Filter: `status = 'pending' AND source_run_id != 'r'`."),
    orderBy: z
      .array(z.string().max(1024))
      .max(100)
      .optional()
      .describe('Order: `severity DESC`, `name`, `last_seen_timestamp DESC`, ….'),
    name: z.string().max(250).optional().describe('Part of the name. Case is ignored.'),
    statuses: z.array(fields.status).max(10).optional().describe('Statuses.'),
    severities: z.array(fields.severity).max(10).optional().describe('Severities.'),
    categories: fields.categories.optional().describe('Categories, of which an issue has one. Case is ignored.'),
    withTraces: z.boolean().default(false).describe('Whether the issues contain the number of their traces.'),
    withTotal: z.boolean().default(false).describe('Whether the response contains the number of all matching issues.'),
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({
    items: z.array(issueSchema),
    nextCursor: z.string().optional(),
    total: z.int().optional().describe('Number of all matching issues.'),
  }),
  target: ofIssue,
  http: http('POST', '/api/v1/tracking/search/issues'),
});

export const issueOperations: readonly Operation[] = [
  createIssueOperation,
  readIssueOperation,
  updateIssueOperation,
  searchIssuesOperation,
];
