import { z } from 'zod';
import { actorSchema } from '#manifest.ts';
import { datasetNameSchema, datasetReferenceSchema } from '#records/data-reference.ts';

/** Labels of people: tasks, annotations with annotator, time and guideline, and reviews. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

/** Distance of two labels: nominal, ordinal, or interval. */
const measurementLevels = ['nominal', 'ordinal', 'interval'] as const;

export const labelSetNameSchema = datasetNameSchema;

/** Maximum number of tasks in one import; larger sets need several. */
export const MOST_IMPORTED_TASKS = 500;

export const labelSetSchema = z.strictObject({
  name: z.string().describe('Name, unique in the project.'),
  dataset: z.string().describe('Name of the Dataset of the tasks.'),
  version: z.string().optional().describe('Dataset version: `flights@3`.'),
  control: z
    .string()
    .optional()
    .describe('Control with the label (`from_name`); absent: the first control of each annotation.'),
  level: z.enum(measurementLevels).describe('Distance metric of two labels, for agreement.'),
  config: z.string().describe('Labeling configuration; can be empty.'),
  guideline: z.int().describe('Number of the current guideline; 0: none.'),
  tasks: z.int().describe('Number of tasks.'),
  annotations: z.int().describe('Number of current annotations, without replaced ones.'),
  accepted: z.int().describe('Number of tasks with an accepted label.'),
  createdAt: milliseconds,
  createdBy: actorSchema,
});
export type LabelSet = z.output<typeof labelSetSchema>;

export const labelSetInput = {
  name: labelSetNameSchema.describe('Name, unique in the project.'),
  dataset: datasetReferenceSchema.describe('Dataset of the tasks, with or without a version: `flights@3`.'),
  control: z.string().min(1).max(256).optional().describe('Control with the label (`from_name`).'),
  level: z.enum(measurementLevels).default('nominal').describe('Distance metric of two labels, for agreement.'),
  config: z.string().max(262_144).default('').describe('Labeling configuration in the format of the tool.'),
} as const;

export const guidelineSchema = z.strictObject({
  number: z.int().describe('Guideline number, from 1. A guideline never changes.'),
  text: z.string().describe('Text of the guideline.'),
  at: milliseconds,
  by: actorSchema.describe('Author.'),
});
export type Guideline = z.output<typeof guidelineSchema>;

export const reviewDecisions = ['accepted', 'rejected'] as const;

export const reviewSchema = z.strictObject({
  decision: z.enum(reviewDecisions),
  by: actorSchema.describe('Reviewer; never the annotator.'),
  at: milliseconds,
  reason: z.string().describe('Reason; can be empty.'),
});
export type Review = z.output<typeof reviewSchema>;

export const annotationSchema = z.strictObject({
  id: z.uuid(),
  task: z.int().describe('Task number.'),
  external: z.string().describe('Id in the labeling tool.'),
  version: z.int().describe('Version number, from 1. Older versions are kept.'),
  replaced: z.boolean().describe('Whether a newer version exists.'),
  annotator: z.string().describe('Annotator.'),
  guideline: z.int().describe('Number of the guideline in effect; 0: none.'),
  label: z.array(z.string()).describe('Label, as agreement and datasets use it.'),
  canceled: z.boolean().describe('Whether the annotator skipped the task.'),
  groundTruth: z.boolean().describe('Whether it is the ground truth for other annotations.'),
  seconds: z.number().optional().describe('Duration.'),
  labeledAt: milliseconds.optional().describe('Time, as reported by the labeling tool.'),
  importedAt: milliseconds,
  importedBy: actorSchema.describe('User who imported it.'),
  reviews: z.array(reviewSchema).describe('Reviews, newest last. The newest one counts.'),
});
export type Annotation = z.output<typeof annotationSchema>;

export const labelTaskStates = ['open', 'labeled', 'accepted', 'rejected'] as const;

export const labelTaskSchema = z.strictObject({
  number: z.int().describe('Task number in the set, from 1.'),
  external: z.string().describe('Id in the labeling tool.'),
  state: z
    .enum(labelTaskStates)
    .describe('`labeled`: annotations await review. `rejected`: all annotations were rejected.'),
  data: z.record(z.string(), z.unknown()).describe('Data of the task.'),
  annotations: z.array(annotationSchema).describe('Current annotations, oldest first.'),
});
export type LabelTask = z.output<typeof labelTaskSchema>;

const coefficient = z.number().optional().describe('Agreement; absent if there is nothing to compare or no variation.');

export const agreementSchema = z.strictObject({
  level: z.enum(measurementLevels),
  units: z.int().describe('Number of tasks with at least two labels.'),
  annotators: z.int().describe('Number of annotators.'),
  alpha: coefficient.describe('Krippendorff’s α over all labels.'),
  fleiss: coefficient.describe('Fleiss’ κ, if all tasks have the same number of labels.'),
  agreed: z.number().optional().describe('Share of equal pairs of labels, not corrected for chance.'),
  byLabel: z
    .array(
      z.strictObject({
        label: z.string(),
        count: z.int().describe('Number of uses.'),
        alpha: coefficient.describe('Krippendorff’s α of this label against all others.'),
      }),
    )
    .describe('The most frequent 100 labels.'),
  byPair: z
    .array(
      z.strictObject({
        annotators: z.array(z.string()).describe('Both.'),
        units: z.int().describe('Number of tasks that both labeled.'),
        kappa: coefficient.describe('Cohen’s κ.'),
      }),
    )
    .describe('The 500 pairs with the most tasks in common.'),
});
export type Agreement = z.output<typeof agreementSchema>;

/** A task in the format of Label Studio; unlisted fields are stored unchanged. */
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
  tasks: z.int().describe('Number of new tasks.'),
  annotations: z.int().describe('Number of new annotations, including new versions.'),
  replaced: z.int().describe('Number of annotations with a newer version.'),
  unchanged: z.int().describe('Number of unchanged annotations.'),
});
export type ImportedLabels = z.output<typeof importedLabelsSchema>;

export const labelPublicationSchema = z.strictObject({
  id: z.uuid(),
  set: z.string().describe('Name of the label set.'),
  dataset: z.string().describe('Name of the dataset of the new version.'),
  state: z.enum(['pending', 'succeeded', 'failed']),
  labels: z.int().describe('Number of accepted labels.'),
  version: z.int().optional().describe('Number of the created version.'),
  error: z.string().optional().describe('Error message.'),
  createdAt: milliseconds,
  createdBy: actorSchema,
});
export type LabelPublication = z.output<typeof labelPublicationSchema>;
