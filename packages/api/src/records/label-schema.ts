import { z } from 'zod';

/** Questions that reviewers of traces answer. They describe a form; assessments are stored independently of them. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const label = z.string().min(1).max(64);

export const labelSchemaTypes = ['FEEDBACK', 'EXPECTATION'] as const;

export const labelInputSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('passFail'),
      positive: label.describe('Label of the positive answer.'),
      negative: label.describe('Label of the negative answer.'),
    }),
    z.strictObject({
      kind: z.literal('categorical'),
      options: z.array(label).min(1).max(10).describe('Options.'),
      multiple: z.boolean().default(false).describe('Whether several options can be chosen.'),
    }),
    z.strictObject({
      kind: z.literal('numeric'),
      min: z.number().optional().describe('Lowest value.'),
      max: z.number().optional().describe('Highest value.'),
    }),
    z.strictObject({
      kind: z.literal('text'),
      maxLength: z.int().min(1).max(2_147_483_647).optional().describe('Maximum number of characters.'),
    }),
  ])
  .describe('Form of the answer.');
export type LabelInput = z.infer<typeof labelInputSchema>;

export const labelSchemaSchema = z.strictObject({
  id: z.string().describe('`ls-` and 32 hexadecimal digits, or `ls-default-` and the experiment id.'),
  experimentId: z.string().describe('Id of the experiment.'),
  name: z.string().describe('Question, unique in the experiment. Assessments have it as their name.'),
  type: z.enum(labelSchemaTypes).describe('Kind of the assessments.'),
  instruction: z.string().optional().describe('Guidance for reviewers.'),
  comments: z.boolean().describe('Whether reviewers can add a comment.'),
  input: labelInputSchema,
  isDefault: z.boolean().describe('Whether it is the question that every experiment has. It cannot be changed.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
});
export type LabelSchema = z.infer<typeof labelSchemaSchema>;
