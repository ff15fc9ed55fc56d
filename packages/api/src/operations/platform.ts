import { isolationInfoSchema } from '#records/isolation.ts';
import { z } from 'zod';
import { actorSchema, sourceSchema } from '#manifest.ts';
import { federationOperations } from '#operations/federation.ts';
import { identityOperations } from '#operations/identity.ts';
import { accessOperations } from '#operations/access.ts';
import { policyViolationOperations } from '#operations/policy-violations.ts';
import { approvalOperations } from '#operations/approvals.ts';
import { commentOperations } from '#operations/comments.ts';
import { artifactFileOperations } from '#operations/artifact-files.ts';
import { artifactOperations } from '#operations/artifacts.ts';
import { executionViewOperations } from '#operations/execution-views.ts';
import { definitionOperations } from '#operations/definitions.ts';
import { servingOperations } from '#operations/serving.ts';
import { featureOperations } from '#operations/features.ts';
import { executionSearchOperations } from '#operations/execution-search.ts';
import { pipelineSearchOperations } from '#operations/pipeline-search.ts';
import { recurrenceSearchOperations } from '#operations/recurrence-search.ts';
import { datasetOperations } from '#operations/datasets.ts';
import { datasetPushOperations } from '#operations/dataset-pushes.ts';
import { executionOperations } from '#operations/executions.ts';
import { pipelineOperations } from '#operations/pipelines.ts';
import { recurrenceOperations } from '#operations/recurrences.ts';
import { garbageOperations } from '#operations/garbage.ts';
import { importOperations } from '#operations/imports.ts';
import { registryImportOperations } from '#operations/registry-imports.ts';
import { traceImportOperations } from '#operations/trace-imports.ts';
import { auditOperations } from '#operations/audit.ts';
import { dataFindingOperations } from '#operations/data-findings.ts';
import { dataQualityOperations } from '#operations/data-quality.ts';
import { labelOperations } from '#operations/labels.ts';
import { modelJobOperations } from '#operations/model-jobs.ts';
import { monitoringOperations } from '#operations/monitoring.ts';
import { modelSafetyOperations } from '#operations/model-safety.ts';
import { modelTestOperations } from '#operations/model-tests.ts';
import { predictionOperations } from '#operations/predictions.ts';
import { contentOperations } from '#operations/content.ts';
import { keyOperations } from '#operations/keys.ts';
import { nodeOperations } from '#operations/nodes.ts';
import { provisioningOperations } from '#operations/provisioning.ts';
import { metricsOperations } from '#operations/metrics.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import { registryOperations } from '#operations/registry.ts';
import { evaluationDatasetOperations } from '#operations/evaluation-datasets.ts';
import { loggedModelOperations } from '#operations/logged-models.ts';
import { labelSchemaOperations } from '#operations/label-schemas.ts';
import { reviewQueueOperations } from '#operations/review-queues.ts';
import { issueOperations } from '#operations/issues.ts';
import { scorerOperations } from '#operations/scorers.ts';
import { samlOperations } from '#operations/saml.ts';
import { signInOperations } from '#operations/sign-in.ts';
import { lineageOperations } from '#operations/lineage.ts';
import { MAX_APPLY_BYTES } from '#manifest.ts';
import { usageOperations } from '#operations/usage.ts';
import { webhookOperations } from '#operations/webhooks.ts';
import { targetOperations } from '#operations/targets.ts';
import { traceOperations } from '#operations/traces.ts';
import { assessmentOperations } from '#operations/assessments.ts';
import { runMessageOperations } from '#operations/run-messages.ts';
import { trackingOperations } from '#operations/tracking.ts';

const applyInput = {
  sources: z
    .array(
      z.strictObject({
        file: z.string().max(4096).describe('Named in errors.'),
        text: z.string().max(MAX_APPLY_BYTES).describe('YAML or JSON, one or many documents.'),
        source: sourceSchema.optional().describe('Where the file came from; kept with each revision.'),
      }),
    )
    .min(1)
    .max(1000)
    .describe('Manifests.'),
  owner: z.string().min(1).max(256).optional().describe('Name of the manifest set. Required to prune.'),
  prune: z.boolean().default(false).describe('Delete resources of the same `owner` that are not among the documents.'),
  takeOver: z.boolean().default(false).describe('Whether to change resources that another type of client created.'),
};

/** One field that differs. Absent `before`: added; absent `after`: removed. */
export const fieldChangeSchema = z.strictObject({
  path: z.string().describe('`spec.quotas.resources`.'),
  before: z.unknown().optional().describe('Value before; absent if the field is added.'),
  after: z.unknown().optional().describe('Value after; absent if the field is removed.'),
});
export type FieldChange = z.infer<typeof fieldChangeSchema>;

export const changeSchema = z.strictObject({
  kind: z.string().describe('Kind.'),
  name: z.string().describe('Name.'),
  project: z.string().optional().describe('Absent for organization kinds.'),
  action: z.enum(['create', 'update', 'delete', 'unchanged']).describe('Action on the resource.'),
  fields: z.array(fieldChangeSchema).describe('Changed fields.'),
  notes: z.array(z.string()).optional().describe('Notes.'),
  generation: z.int().optional().describe('Generation afterwards; absent for a deletion.'),
  resourceVersion: z.string().optional().describe('Resource version afterwards; absent for a deletion.'),
});
export type Change = z.infer<typeof changeSchema>;

const changesOutput = z.strictObject({ changes: z.array(changeSchema).describe('Changes, one per resource.') });

export const applyOperation = defineOperation({
  name: 'platform.apply',
  action: 'platform:apply',
  mode: 'write',
  scope: 'project',
  summary: 'Applies manifests, all of them or none.',
  input: z.strictObject(applyInput),
  output: changesOutput,
  target: () => ({ kind: 'Platform' }),
  // Each document is authorized separately.
  self: true,
  http: { method: 'POST', path: '/api/v1/apply', status: 200, yaml: true, query: ['owner', 'prune', 'takeOver'] },
});

export const planOperation = defineOperation({
  name: 'platform.plan',
  action: 'platform:plan',
  mode: 'read',
  scope: 'project',
  summary: 'Returns field by field what apply would change.',
  input: z.strictObject(applyInput),
  output: changesOutput,
  target: () => ({ kind: 'Platform' }),
  // Each document is authorized separately.
  self: true,
  http: { method: 'POST', path: '/api/v1/plan', status: 200, yaml: true, query: ['owner', 'prune', 'takeOver'] },
});

export const eventSchema = z.strictObject({
  id: z.string().describe('Id, unique; not in commit order.'),
  cursor: z.string().describe('Resume after this event.'),
  at: z.string().describe('Time of the event; RFC 3339, UTC.'),
  type: z.string().describe('Event type.'),
  v: z.int().describe('Version of the schema of `data`.'),
  subject: z
    .strictObject({
      kind: z.string().describe('Kind.'),
      name: z.string().describe('Name.'),
      uid: z.string().describe('Uid.'),
    })
    .optional()
    .describe('Subject.'),
  project: z.string().optional().describe('Absent for organization kinds.'),
  actor: actorSchema.describe('Actor.'),
  requestId: z.string().optional().describe('Request id.'),
  data: z.record(z.string(), z.unknown()).describe('Data of this event type.'),
});
export type Event = z.infer<typeof eventSchema>;

const eventFilter = {
  kind: z.string().max(64).optional().describe('Only events about this kind.'),
  name: z.string().max(256).optional().describe('Only events about the resource of this name.'),
  type: z.string().max(128).optional().describe('Only events of this type.'),
};

const eventPage = z.strictObject({
  items: z.array(eventSchema),
  nextCursor: z.string().optional(),
  resourceVersion: z.string().describe('Position for watching without gaps.'),
});

export const listEventsOperation = defineOperation({
  name: 'event.list',
  action: 'event:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the events of a project, newest first.',
  input: z.strictObject({ ...pageInput, ...eventFilter }),
  output: eventPage,
  target: () => ({ kind: 'Event' }),
  http: { method: 'GET', path: '/api/v1/events', status: 200, query: ['limit', 'cursor', 'kind', 'name', 'type'] },
});

export const watchEventsOperation = defineOperation({
  name: 'event.watch',
  action: 'event:read',
  mode: 'watch',
  scope: 'project',
  summary: 'Streams the events of a project in commit order.',
  input: z.strictObject({ resourceVersion: z.string().max(128).optional(), ...eventFilter }),
  output: eventSchema,
  target: () => ({ kind: 'Event' }),
  http: { method: 'GET', path: '/api/v1/events', status: 200, query: ['resourceVersion', 'kind', 'name', 'type'] },
});

export const listOrganizationEventsOperation = defineOperation({
  ...listEventsOperation,
  name: 'organizationEvent.list',
  scope: 'org',
  summary: 'Lists the events of organization kinds, newest first.',
  http: { ...listEventsOperation.http, path: '/api/v1/organization/events' },
});

export const watchOrganizationEventsOperation = defineOperation({
  ...watchEventsOperation,
  name: 'organizationEvent.watch',
  scope: 'org',
  summary: 'Streams the events of organization kinds in commit order.',
  http: { ...watchEventsOperation.http, path: '/api/v1/organization/events' },
});

export const serverInfoSchema = z.strictObject({
  version: z.string().describe('Version of Dais.'),
  mode: z.enum(['solo', 'accounts']).describe('`solo`: one owner on this machine. `accounts`: users sign in.'),
  database: z
    .strictObject({
      engine: z.string().describe('`embedded` or `postgres`.'),
      version: z.string().describe('Version of the server.'),
    })
    .describe('Database of resources.'),
  startedAt: z.string().describe('Start time of this process; RFC 3339, UTC.'),
  isolation: isolationInfoSchema
    .optional()
    .describe('Isolation of user code and models; absent until probed, and on systems other than Linux.'),
  kinds: z
    .array(
      z.strictObject({
        kind: z.string().describe('`AlertChannel`.'),
        plural: z.string().describe('Plural name in URLs.'),
        scope: z.enum(['org', 'project']).describe('Scope of the resources.'),
      }),
    )
    .describe('All kinds.'),
});
export type ServerInfo = z.infer<typeof serverInfoSchema>;

export const readServerOperation = defineOperation({
  name: 'server.read',
  action: 'server:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns the version and capabilities of the server.',
  input: z.strictObject({}),
  output: serverInfoSchema,
  target: () => ({ kind: 'Server' }),
  self: true,
  http: { method: 'GET', path: '/api/v1/server', status: 200 },
});

/** Operations without a kind. */
export const platformOperations: readonly Operation[] = [
  applyOperation,
  planOperation,
  listEventsOperation,
  watchEventsOperation,
  listOrganizationEventsOperation,
  watchOrganizationEventsOperation,
  readServerOperation,
  ...contentOperations,
  ...keyOperations,
  ...nodeOperations,
  ...targetOperations,
  ...usageOperations,
  ...provisioningOperations,
  ...metricsOperations,
  ...accessOperations,
  ...policyViolationOperations,
  ...auditOperations,
  ...identityOperations,
  ...signInOperations,
  ...samlOperations,
  ...federationOperations,
  ...trackingOperations,
  ...runMessageOperations,
  ...loggedModelOperations,
  ...traceOperations,
  ...assessmentOperations,
  ...evaluationDatasetOperations,
  ...scorerOperations,
  ...issueOperations,
  ...reviewQueueOperations,
  ...labelSchemaOperations,
  ...artifactOperations,
  ...artifactFileOperations,
  ...importOperations,
  ...traceImportOperations,
  ...garbageOperations,
  ...registryImportOperations,
  ...registryOperations,
  ...approvalOperations,
  ...commentOperations,
  ...lineageOperations,
  ...webhookOperations,
  ...executionOperations,
  ...executionSearchOperations,
  ...pipelineSearchOperations,
  ...recurrenceSearchOperations,
  ...pipelineOperations,
  ...recurrenceOperations,
  ...executionViewOperations,
  ...definitionOperations,
  ...dataFindingOperations,
  ...dataQualityOperations,
  ...labelOperations,
  ...predictionOperations,
  ...modelSafetyOperations,
  ...modelJobOperations,
  ...modelTestOperations,
  ...monitoringOperations,
  ...featureOperations,
  ...servingOperations,
  ...datasetOperations,
  ...datasetPushOperations,
];
