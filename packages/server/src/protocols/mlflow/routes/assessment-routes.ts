import {
  createAssessmentOperation,
  deleteAssessmentOperation,
  readAssessmentOperation,
  updateAssessmentOperation,
} from '@dais/api/tracking';
import { route, type Refusals, type Route } from '../route.ts';
import { json, nested, required, string } from '../wire/message.ts';
import { invalid, missing } from '../wire/mlflow-error.ts';
import { assessmentToWire, assessmentValueOf, newAssessmentOf } from '../wire/trace-encode.ts';
import { assessment, byTrace } from '../wire/trace-messages.ts';
import { traceName } from './trace-routes.ts';

const named = { ...byTrace, assessment_id: required(string) };
const answered = { assessment: nested(assessment) };

function noAssessment(trace: string, id: string): Refusals {
  return {
    not_found: ({ message }) =>
      missing(
        message.startsWith('There is no trace')
          ? `Trace with ID '${trace}' not found.`
          : `Assessment with ID '${id}' not found for trace '${trace}'`,
      ),
  };
}

/** @throws MlflowError for an id that no assessment can have. */
function assessmentName(id: string, trace: string): string {
  if (/^[A-Za-z0-9][\w.:-]{0,99}$/.test(id)) return id;
  throw missing(`Assessment with ID '${id.slice(0, 200)}' not found for trace '${trace}'`);
}

/** `{"paths": ["rationale"]}`, or, as protocol buffers write it in JSON: `"rationale,assessmentName"`. */
function maskOf(mask: unknown): readonly string[] {
  const { paths } = (typeof mask === 'object' && mask !== null ? mask : {}) as { readonly paths?: unknown };
  const names: readonly unknown[] = typeof mask === 'string' ? mask.split(',') : Array.isArray(paths) ? paths : [];
  if (!names.every((name): name is string => typeof name === 'string')) {
    throw invalid("Invalid value for parameter 'update_mask' supplied: it must be a list of names of fields.");
  }
  return names.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

export const assessmentRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/traces/:trace_id/assessments',
    version: 3,
    operation: createAssessmentOperation,
    request: { ...byTrace, assessment: required(nested(assessment)) },
    response: answered,
    answer: async ({ trace_id: traceId, assessment: sent }, call) => {
      const input = { ...newAssessmentOf(sent), traceId: traceName(traceId) };
      const made = await call(createAssessmentOperation, input, noAssessment(traceId, sent.overrides ?? ''));
      return { assessment: assessmentToWire(made) };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/traces/:trace_id/assessments/:assessment_id',
    version: 3,
    operation: readAssessmentOperation,
    request: named,
    response: answered,
    answer: async ({ trace_id: traceId, assessment_id: id }, call) => ({
      assessment: assessmentToWire(
        await call(
          readAssessmentOperation,
          { traceId: traceName(traceId), id: assessmentName(id, traceId) },
          noAssessment(traceId, id),
        ),
      ),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/mlflow/traces/:trace_id/assessments/:assessment_id',
    version: 3,
    operation: updateAssessmentOperation,
    request: { ...named, assessment: required(nested(assessment)), update_mask: required(json) },
    response: answered,
    answer: async ({ trace_id: traceId, assessment_id: id, assessment: sent, update_mask: mask }, call) => {
      const fields = new Set(maskOf(mask));
      const judged = fields.has('feedback') || fields.has('expectation') ? assessmentValueOf(sent) : undefined;
      if (fields.has('feedback') && fields.has('expectation')) {
        throw invalid('Cannot specify both `expectation` and `feedback` parameters.');
      }
      const changed = await call(
        updateAssessmentOperation,
        {
          traceId: traceName(traceId),
          id: assessmentName(id, traceId),
          ...(fields.has('assessment_name') && { name: sent.assessment_name ?? '' }),
          ...(judged !== undefined && { kind: judged.kind, value: judged.value ?? null, error: judged.error ?? null }),
          ...(fields.has('rationale') && { rationale: sent.rationale ?? '' }),
          ...(fields.has('metadata') && { metadata: sent.metadata ?? {} }),
        },
        noAssessment(traceId, id),
      );
      return { assessment: assessmentToWire(changed) };
    },
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/traces/:trace_id/assessments/:assessment_id',
    version: 3,
    operation: deleteAssessmentOperation,
    request: named,
    answer: async ({ trace_id: traceId, assessment_id: id }, call) =>
      await call(
        deleteAssessmentOperation,
        { traceId: traceName(traceId), id: assessmentName(id, traceId) },
        noAssessment(traceId, id),
      ),
  }),
];
