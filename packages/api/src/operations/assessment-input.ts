/** Common inputs of trace and assessment operations. */
import { z } from 'zod';
import { assessmentErrorSchema, assessmentKinds } from '#records/trace.ts';

const text = (longest: number) => z.string().max(longest);
export const assessmentId = z
  .string()
  .regex(/^[A-Za-z0-9][\w.:-]{0,99}$/)
  .describe('Id of the assessment.');
export const assessmentName = z.string().min(1).max(250);
export const assessmentValue = z.unknown().optional().describe('Value; at most 65,536 characters as JSON.');
export const assessmentMetadata = z.record(z.string().min(1).max(250), text(8000));

export const assessmentRationale = text(65_536);

/** The input fields of a new assessment. */
export const newAssessment = z.strictObject({
  id: assessmentId.optional().describe('Default: generated.'),
  spanId: text(50).optional(),
  name: assessmentName,
  kind: z.enum(assessmentKinds),
  value: assessmentValue,
  error: assessmentErrorSchema.optional(),
  source: z.strictObject({ type: z.string().min(1).max(50), id: text(250) }),
  rationale: assessmentRationale.optional(),
  metadata: assessmentMetadata.optional(),
  overrides: assessmentId.optional().describe('Id of the assessment that it overrides, which becomes invalid.'),
  createdAt: z.int().optional(),
  updatedAt: z.int().optional(),
});
export type NewAssessment = z.infer<typeof newAssessment>;

export const traceId = z
  .string()
  .regex(/^[A-Za-z0-9][\w.:-]{0,99}$/)
  .describe('Id of the trace.');
