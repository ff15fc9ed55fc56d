import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import { datasetNameSchema } from '#records/data-reference.ts';
import {
  agreementSchema,
  annotationSchema,
  guidelineSchema,
  importedLabelsSchema,
  labelPublicationSchema,
  labelSetInput,
  labelSetNameSchema,
  labelSetSchema,
  labelStudioTaskSchema,
  labelTaskSchema,
  labelTaskStates,
  MOST_IMPORTED_TASKS,
  reviewDecisions,
} from '#records/labels.ts';

const all = '/api/v1/labels/sets' as const;
const base = '/api/v1/labels/sets/:set' as const;
const set = labelSetNameSchema.describe('Name of the label set.');
const toSets = () => ({ kind: 'LabelSet' });
/** Annotators read labels; data managers import them. */
const EDITORS = ['editor'] as const;
const REVIEWERS = ['editor', 'approver'] as const;
const reason = z.string().max(4096).default('').describe('Why.');
const annotation = z.uuid().describe('Id of the annotation.');

const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({
  method,
  path,
  status: 200,
  ...more,
});
const page = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });

export const createLabelSetOperation = defineOperation({
  name: 'labelSet.create',
  action: 'labelset:write',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a label set for a dataset.',
  input: z.strictObject(labelSetInput),
  output: labelSetSchema,
  target: toSets,
  roles: EDITORS,
  http: http('POST', all, { status: 201 }),
});

export const listLabelSetsOperation = defineOperation({
  name: 'labelSet.list',
  action: 'labelset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the label sets of a project, by name.',
  input: z.strictObject(pageInput),
  output: page(labelSetSchema),
  target: toSets,
  http: http('GET', all, { query: ['limit', 'cursor'] }),
});

export const readLabelSetOperation = defineOperation({
  name: 'labelSet.get',
  action: 'labelset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a label set with its progress.',
  input: z.strictObject({ set }),
  output: labelSetSchema,
  target: toSets,
  http: http('GET', base),
});

export const deleteLabelSetOperation = defineOperation({
  name: 'labelSet.delete',
  action: 'labelset:write',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a label set with all its labels. Published dataset versions stay.',
  input: z.strictObject({ set }),
  output: z.strictObject({}),
  target: toSets,
  roles: EDITORS,
  http: http('DELETE', base),
});

export const addGuidelineOperation = defineOperation({
  name: 'labelGuideline.create',
  action: 'labelset:write',
  mode: 'write',
  scope: 'project',
  summary: 'Publishes the next version of the guideline.',
  input: z.strictObject({ set, text: z.string().min(1).max(262_144).describe('Markdown.') }),
  output: guidelineSchema,
  target: toSets,
  roles: EDITORS,
  http: http('POST', `${base}/guidelines`, { status: 201 }),
});

export const listGuidelinesOperation = defineOperation({
  name: 'labelGuideline.list',
  action: 'labelset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the versions of the guideline, newest first.',
  input: z.strictObject({ set, ...pageInput }),
  output: page(guidelineSchema),
  target: toSets,
  http: http('GET', `${base}/guidelines`, { query: ['limit', 'cursor'] }),
});

export const importLabelsOperation = defineOperation({
  name: 'label.import',
  action: 'labelset:write',
  mode: 'write',
  scope: 'project',
  summary:
    'Imports tasks and annotations of Label Studio. Unchanged ones stay; changed annotations become new versions.',
  input: z.strictObject({
    set,
    tasks: z.array(labelStudioTaskSchema).min(1).max(MOST_IMPORTED_TASKS).describe('Tasks in the JSON export format.'),
    guideline: z.int().min(0).optional().describe('Guideline version of the annotators. Default: the newest.'),
    annotators: z
      .record(z.string().max(256), z.string().min(1).max(256))
      .default({})
      .describe('User names by their id or email address in the tool.'),
  }),
  output: importedLabelsSchema,
  target: toSets,
  roles: EDITORS,
  http: http('POST', `${base}/import`),
});

export const exportLabelsOperation = defineOperation({
  name: 'label.export',
  action: 'labelset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Exports tasks with annotations and predictions for Label Studio, by task number.',
  input: z.strictObject({ set, ...pageInput }),
  output: page(labelStudioTaskSchema),
  target: toSets,
  http: http('GET', `${base}/export`, { query: ['limit', 'cursor'] }),
});

export const listLabelTasksOperation = defineOperation({
  name: 'labelTask.list',
  action: 'labelset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists tasks with annotations, guideline versions and reviews.',
  input: z.strictObject({
    set,
    state: z.enum(labelTaskStates).optional().describe('Only tasks in this state.'),
    disagreed: z.literal('true').optional().describe('Only tasks with disagreement.'),
    ...pageInput,
  }),
  output: page(labelTaskSchema),
  target: toSets,
  http: http('GET', `${base}/tasks`, { query: ['state', 'disagreed', 'limit', 'cursor'] }),
});

export const listAnnotationVersionsOperation = defineOperation({
  name: 'labelAnnotation.versions',
  action: 'labelset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists all versions of an annotation, newest first, including replaced ones.',
  input: z.strictObject({ set, annotation, ...pageInput }),
  output: page(annotationSchema),
  target: toSets,
  http: http('GET', `${base}/annotations/:annotation/versions`, { query: ['limit', 'cursor'] }),
});

export const reviewAnnotationOperation = defineOperation({
  name: 'labelAnnotation.review',
  action: 'labelset:review',
  mode: 'write',
  scope: 'project',
  summary: 'Accepts or rejects an annotation of another user.',
  input: z.strictObject({
    set,
    annotation,
    decision: z.enum(reviewDecisions).describe('Decision: `accepted` or `rejected`.'),
    reason,
  }),
  output: annotationSchema,
  target: toSets,
  roles: REVIEWERS,
  http: http('POST', `${base}/annotations/:annotation/review`),
});

export const adjudicateOperation = defineOperation({
  name: 'labelTask.adjudicate',
  action: 'labelset:review',
  mode: 'write',
  scope: 'project',
  summary: 'Resolves a disagreement: accepts one annotation and rejects all others.',
  input: z.strictObject({ set, annotation, reason: z.string().min(1).max(4096).describe('Reason.') }),
  output: labelTaskSchema,
  target: toSets,
  roles: REVIEWERS,
  http: http('POST', `${base}/annotations/:annotation/adjudicate`),
});

export const acceptAgreedOperation = defineOperation({
  name: 'labelTask.acceptAgreed',
  action: 'labelset:review',
  mode: 'write',
  scope: 'project',
  summary: 'Accepts the labels of tasks on which enough annotators agree and none disagrees, except own labels.',
  input: z.strictObject({
    set,
    atLeast: z.int().min(1).max(100).default(2).describe('Minimum number of agreeing annotators.'),
    reason,
  }),
  output: z.strictObject({
    accepted: z.int().describe('Number of accepted tasks.'),
    left: z.int().describe('Tasks that still wait for a decision.'),
  }),
  target: toSets,
  roles: REVIEWERS,
  http: http('POST', `${base}/accept-agreed`),
});

export const readAgreementOperation = defineOperation({
  name: 'labelSet.agreement',
  action: 'labelset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns annotator agreement overall, by label and by pair.',
  input: z.strictObject({
    set,
    guideline: z
      .string()
      .regex(/^\d{1,9}$/)
      .optional()
      .describe('Only labels given under this version of the guideline.'),
  }),
  output: agreementSchema,
  target: toSets,
  http: http('GET', `${base}/agreement`, { query: ['guideline'] }),
});

export const publishLabelsOperation = defineOperation({
  name: 'labelSet.publish',
  action: 'labelset:publish',
  mode: 'write',
  scope: 'project',
  summary: 'Publishes accepted labels as a dataset version.',
  input: z.strictObject({
    set,
    dataset: datasetNameSchema.optional().describe('Output dataset; created if missing. Default: the name of the set.'),
    message: z.string().max(2000).default('').describe('Description of the version.'),
  }),
  output: labelPublicationSchema,
  target: toSets,
  roles: EDITORS,
  http: http('POST', `${base}/publish`, { status: 202 }),
});

export const readPublicationOperation = defineOperation({
  name: 'labelPublication.get',
  action: 'labelset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the progress of a publication.',
  input: z.strictObject({ set, publication: z.uuid().describe('Id of the publication.') }),
  output: labelPublicationSchema,
  target: toSets,
  http: http('GET', `${base}/publications/:publication`),
});

export const labelOperations: readonly Operation[] = [
  createLabelSetOperation,
  listLabelSetsOperation,
  readLabelSetOperation,
  deleteLabelSetOperation,
  addGuidelineOperation,
  listGuidelinesOperation,
  importLabelsOperation,
  exportLabelsOperation,
  listLabelTasksOperation,
  listAnnotationVersionsOperation,
  reviewAnnotationOperation,
  adjudicateOperation,
  acceptAgreedOperation,
  readAgreementOperation,
  publishLabelsOperation,
  readPublicationOperation,
];
