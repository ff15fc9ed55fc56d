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
  reviewVerdicts,
} from '#records/labels.ts';

const all = '/api/v1/labels/sets' as const;
const base = '/api/v1/labels/sets/:set' as const;
const set = labelSetNameSchema.describe('Name of the label set.');
const toSets = () => ({ kind: 'LabelSet' });
/** Whoever works with labels reads them; whoever manages data brings them. */
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
  summary: 'Makes a set of labels for a dataset.',
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
  summary: 'Gives a label set with how far it is.',
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
  summary: 'Deletes a label set with all its labels. Dataset versions made of them stay.',
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
  summary: 'Writes down what annotators are told from now on, as the next version of the guideline.',
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
    'Takes tasks and annotations as Label Studio writes them. What is here already stays; what changed becomes a new version.',
  input: z.strictObject({
    set,
    tasks: z.array(labelStudioTaskSchema).min(1).max(MOST_IMPORTED_TASKS).describe('As in an export of type JSON.'),
    guideline: z
      .int()
      .min(0)
      .optional()
      .describe('The version of the guideline that annotators had. Default: the newest.'),
    annotators: z
      .record(z.string().max(256), z.string().min(1).max(256))
      .default({})
      .describe('Names of users, by what the tool calls them: its number or address of mail.'),
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
  summary: 'Gives tasks with their annotations and predictions as Label Studio reads them, by number of the task.',
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
  summary: 'Lists tasks with who labelled them, when, under which guideline, and what reviewers said.',
  input: z.strictObject({
    set,
    state: z.enum(labelTaskStates).optional().describe('Only those in this state.'),
    disagreed: z.literal('true').optional().describe('Only those whose labels differ.'),
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
  summary: 'Lists all versions of an annotation, newest first, those that were replaced included.',
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
  summary: 'Accepts or rejects an annotation. Never one’s own.',
  input: z.strictObject({ set, annotation, verdict: z.enum(reviewVerdicts).describe('What they say.'), reason }),
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
  summary: 'Settles a task whose labels differ: accepts one annotation and rejects all others.',
  input: z.strictObject({ set, annotation, reason: z.string().min(1).max(4096).describe('Why this one.') }),
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
  summary: 'Accepts the label of tasks on which enough annotators agree and none says otherwise; none of one’s own.',
  input: z.strictObject({
    set,
    atLeast: z.int().min(1).max(100).default(2).describe('How many have to agree.'),
    reason,
  }),
  output: z.strictObject({
    accepted: z.int().describe('Tasks that were accepted by this.'),
    left: z.int().describe('Tasks that still wait for a verdict.'),
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
  summary: 'Tells how far annotators agree: over all, for each label and for each pair.',
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
  summary: 'Makes a dataset version of the accepted labels.',
  input: z.strictObject({
    set,
    dataset: datasetNameSchema
      .optional()
      .describe('The dataset that gets a version; made when it is not there. Default: the name of the set.'),
    message: z.string().max(2000).default('').describe('Said of the version.'),
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
  summary: 'Tells how far the making of a dataset version of labels is.',
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
