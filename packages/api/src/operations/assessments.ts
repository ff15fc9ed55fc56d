import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import {
  assessmentId as id,
  assessmentMetadata as metadata,
  assessmentName as name,
  assessmentRationale as rationale,
  assessmentValue as value,
  newAssessment,
  traceId,
} from '#operations/assessment-input.ts';
import { assessmentErrorSchema, assessmentKinds, assessmentSchema } from '#records/trace.ts';

const assessments = '/api/v1/tracking/traces/:traceId/assessments' as const;
const ofAssessment = () => ({ kind: 'Assessment' });
/** People and running programs write assessments. */
const WRITERS = ['operator', 'editor'] as const;

const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });
export const createAssessmentOperation = defineOperation({
  name: 'assessment.create',
  action: 'assessment:create',
  mode: 'write',
  scope: 'project',
  summary: 'Adds feedback or an expectation to a trace.',
  input: newAssessment.extend({ traceId }),
  output: assessmentSchema,
  target: ofAssessment,
  roles: WRITERS,
  http: http('POST', assessments, { status: 201 }),
});

export const readAssessmentOperation = defineOperation({
  name: 'assessment.get',
  action: 'assessment:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns an assessment of a trace.',
  input: z.strictObject({ traceId, id }),
  output: assessmentSchema,
  target: ofAssessment,
  http: http('GET', `${assessments}/:id`),
});

export const updateAssessmentOperation = defineOperation({
  name: 'assessment.update',
  action: 'assessment:update',
  mode: 'write',
  scope: 'project',
  summary: 'Updates an assessment. Its source and subject do not change.',
  input: z.strictObject({
    traceId,
    id,
    name: name.optional(),
    kind: z.enum(assessmentKinds).optional().describe('Kind of the new value; must equal the kind of the assessment.'),
    value,
    error: assessmentErrorSchema.nullable().optional(),
    rationale: rationale.optional(),
    metadata: metadata.optional().describe('Metadata to add.'),
  }),
  output: assessmentSchema,
  target: ofAssessment,
  roles: WRITERS,
  http: http('POST', `${assessments}/:id`),
});

export const deleteAssessmentOperation = defineOperation({
  name: 'assessment.delete',
  action: 'assessment:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes an assessment. The assessment that it overrides becomes valid again. Idempotent.',
  input: z.strictObject({ traceId, id }),
  output: z.strictObject({}),
  target: ofAssessment,
  roles: WRITERS,
  http: http('DELETE', `${assessments}/:id`),
});

export const assessmentOperations: readonly Operation[] = [
  createAssessmentOperation,
  readAssessmentOperation,
  updateAssessmentOperation,
  deleteAssessmentOperation,
];
