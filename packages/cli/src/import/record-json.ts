/** Converts a record of an evaluation dataset from the format of tracking servers. */
import type { EvaluationRecord } from '@dais/api/tracking';

type Json = Readonly<Record<string, unknown>>;
type Source = NonNullable<EvaluationRecord['source']>;

const SOURCES = ['TRACE', 'HUMAN', 'DOCUMENT', 'CODE'] as const;

export function recordOf(json: Json): EvaluationRecord {
  const { expectations, source } = json;
  const [createdBy, updatedBy] = [json['created_by'], json['last_updated_by']];
  return {
    id: String(json['dataset_record_id']),
    inputs: map(json['inputs']),
    outputs: json['outputs'] ?? null,
    ...(expectations !== undefined && expectations !== null && { expectations: map(expectations) }),
    tags: map(json['tags']),
    ...(source !== undefined && source !== null && { source: sourceOf(map(source)) }),
    createdAt: Number(json['created_time'] ?? 0),
    updatedAt: Number(json['last_update_time'] ?? 0),
    ...(typeof createdBy === 'string' && { createdBy }),
    ...(typeof updatedBy === 'string' && { updatedBy }),
  };
}

function map(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function sourceOf(json: Json): Source {
  const type = SOURCES.find((one) => one === json['source_type']) ?? 'UNSPECIFIED';
  return { type, data: map(json['source_data']) };
}
