import { z } from 'zod';
import { actorSchema } from '#manifest.ts';
import { datasetNameSchema, datasetReferenceSchema } from '#records/data-reference.ts';

/** Labels that people gave: tasks, annotations with who, when and under which guideline, and what reviewers said of them. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

/** How far two labels are apart: all alike, by their order, or by their difference. */
const measurementLevels = ['nominal', 'ordinal', 'interval'] as const;

export const labelSetNameSchema = datasetNameSchema;

/** Most tasks in one import; more come in several. */
export const MOST_IMPORTED_TASKS = 500;

export const labelSetSchema = z.strictObject({
  name: z.string().describe('Unique in its project.'),
  dataset: z.string().describe('Name of the Dataset that its tasks are of.'),
  version: z.string().optional().describe('Which version of it: `flights@3`.'),
  control: z
    .string()
    .optional()
    .describe('The control whose values are the label, as `from_name` calls it; absent: the first of each annotation.'),
  level: z.enum(measurementLevels).describe('How far two labels are apart, for agreement.'),
  config: z.string().describe('The labeling configuration; may be empty.'),
  guideline: z.int().describe('Number of the guideline that counts now; 0: there is none.'),
  tasks: z.int().describe('How many tasks.'),
  annotations: z.int().describe('How many annotations count; those that were replaced do not.'),
  accepted: z.int().describe('How many tasks have an accepted label.'),
  createdAt: milliseconds,
  createdBy: actorSchema,
});
export type LabelSet = z.output<typeof labelSetSchema>;

export const labelSetInput = {
  name: labelSetNameSchema.describe('Unique in its project.'),
  dataset: datasetReferenceSchema.describe(
    'The Dataset that its tasks are of, with or without a version: `flights@3`.',
  ),
  control: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('The control whose values are the label, as `from_name` calls it.'),
  level: z.enum(measurementLevels).default('nominal').describe('How far two labels are apart, for agreement.'),
  config: z.string().max(262_144).default('').describe('The labeling configuration in the format of the tool.'),
} as const;

export const guidelineSchema = z.strictObject({
  number: z.int().describe('Counted from 1; never changed afterwards.'),
  text: z.string().describe('Text of the guideline.'),
  at: milliseconds,
  by: actorSchema.describe('Who wrote it down.'),
});
export type Guideline = z.output<typeof guidelineSchema>;

export const reviewDecisions = ['accepted', 'rejected'] as const;

export const reviewSchema = z.strictObject({
  decision: z.enum(reviewDecisions),
  by: actorSchema.describe('Who said so; never who labeled.'),
  at: milliseconds,
  reason: z.string().describe('Why; may be empty.'),
});
export type Review = z.output<typeof reviewSchema>;

export const annotationSchema = z.strictObject({
  id: z.uuid(),
  task: z.int().describe('Number of its task.'),
  external: z.string().describe('Its id in the tool that made it.'),
  version: z.int().describe('Counted from 1 for each change that came; older ones are kept.'),
  replaced: z.boolean().describe('A newer version came.'),
  annotator: z.string().describe('Who labeled.'),
  guideline: z.int().describe('Number of the guideline that they had; 0: none.'),
  label: z.array(z.string()).describe('The label, as agreement and datasets see it.'),
  canceled: z.boolean().describe('They skipped the task.'),
  groundTruth: z.boolean().describe('It is the truth that others are measured by.'),
  seconds: z.number().optional().describe('Duration.'),
  labeledAt: milliseconds.optional().describe('When, as the tool says.'),
  importedAt: milliseconds,
  importedBy: actorSchema.describe('Who brought it.'),
  reviews: z.array(reviewSchema).describe('The newest last; it is the one that counts.'),
});
export type Annotation = z.output<typeof annotationSchema>;

export const labelTaskStates = ['open', 'labeled', 'accepted', 'rejected'] as const;

export const labelTaskSchema = z.strictObject({
  number: z.int().describe('Counted from 1 in its set.'),
  external: z.string().describe('Its id in the tool that made it.'),
  state: z
    .enum(labelTaskStates)
    .describe('`labeled`: annotations wait for a decision. `rejected`: every one was rejected.'),
  data: z.record(z.string(), z.unknown()).describe('What is to be labeled.'),
  annotations: z.array(annotationSchema).describe('Those that count, oldest first.'),
});
export type LabelTask = z.output<typeof labelTaskSchema>;

const coefficient = z.number().optional().describe('Absent: there is nothing to compare, or nothing varies.');

export const agreementSchema = z.strictObject({
  level: z.enum(measurementLevels),
  units: z.int().describe('Tasks with two labels or more.'),
  annotators: z.int().describe('Who labeled any of them.'),
  alpha: coefficient.describe('Krippendorff’s α over all.'),
  fleiss: coefficient.describe('Fleiss’ κ, where every task was labeled equally often.'),
  agreed: z.number().optional().describe('Share of pairs of labels that are alike, chance included.'),
  byLabel: z
    .array(
      z.strictObject({
        label: z.string(),
        count: z.int().describe('How often it was given.'),
        alpha: coefficient.describe('Krippendorff’s α of this label against all others.'),
      }),
    )
    .describe('The most frequent 100 labels.'),
  byPair: z
    .array(
      z.strictObject({
        annotators: z.array(z.string()).describe('Both.'),
        units: z.int().describe('Tasks that both labeled.'),
        kappa: coefficient.describe('Cohen’s κ.'),
      }),
    )
    .describe('The 500 pairs with the most tasks in common.'),
});
export type Agreement = z.output<typeof agreementSchema>;

/** A task as Label Studio writes and reads it; fields that are not named here are kept as they came. */
export const labelStudioTaskSchema = z.looseObject({
  id: z.union([z.int(), z.string().max(256)]).optional(),
  data: z.record(z.string(), z.unknown()),
  annotations: z
    .array(z.looseObject({ result: z.array(z.looseObject({})) }))
    .max(1000)
    .optional(),
  predictions: z.array(z.looseObject({})).max(1000).optional(),
});
export type LabelStudioTask = z.output<typeof labelStudioTaskSchema>;

export const importedLabelsSchema = z.strictObject({
  tasks: z.int().describe('New tasks.'),
  annotations: z.int().describe('New annotations, new versions included.'),
  replaced: z.int().describe('Annotations of which a newer version came.'),
  unchanged: z.int().describe('Annotations that were here already.'),
});
export type ImportedLabels = z.output<typeof importedLabelsSchema>;

export const labelPublicationSchema = z.strictObject({
  id: z.uuid(),
  set: z.string().describe('Name of the label set.'),
  dataset: z.string().describe('Name of the dataset that gets a version.'),
  state: z.enum(['waiting', 'done', 'failed']),
  labels: z.int().describe('How many accepted labels.'),
  version: z.int().optional().describe('Number of the created version.'),
  error: z.string().optional().describe('Error message.'),
  createdAt: milliseconds,
  createdBy: actorSchema,
});
export type LabelPublication = z.output<typeof labelPublicationSchema>;
