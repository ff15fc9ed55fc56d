/** Messages of traces and their assessments. */
import { bool, enumeration, json, map, nested, repeated, required, string } from './message.ts';

const traceState = enumeration(['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'], {
  STATE_UNSPECIFIED: 0,
  OK: 1,
  ERROR: 2,
  IN_PROGRESS: 3,
});
/** Of clients before 3.0. */
export const traceStatus = enumeration(['TRACE_STATUS_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'], {
  TRACE_STATUS_UNSPECIFIED: 0,
  OK: 1,
  ERROR: 2,
  IN_PROGRESS: 3,
});

const error = nested({ error_code: string, error_message: string, stack_trace: string });

export const assessment = {
  assessment_id: string,
  assessment_name: string,
  trace_id: string,
  span_id: string,
  source: nested({ source_type: json, source_id: string }),
  create_time: string,
  last_update_time: string,
  feedback: nested({ value: json, error }),
  expectation: nested({ value: json, serialized_value: nested({ serialization_format: string, value: string }) }),
  issue: nested({ issue_name: string }),
  rationale: string,
  error,
  metadata: map,
  overrides: string,
  valid: bool,
};

export const traceLocation = {
  type: json,
  mlflow_experiment: nested({ experiment_id: string }),
};

export const traceInfo = {
  trace_id: string,
  client_request_id: string,
  trace_location: nested(traceLocation),
  request: string,
  response: string,
  request_preview: string,
  response_preview: string,
  request_time: string,
  execution_duration: string,
  state: traceState,
  trace_metadata: map,
  assessments: repeated(nested(assessment)),
  tags: map,
};

export const trace = { trace_info: nested(traceInfo), spans: repeated(json) };

export const keyedText = repeated(nested({ key: string, value: string }));

export const traceInfoV2 = nested({
  request_id: string,
  experiment_id: string,
  timestamp_ms: string,
  execution_time_ms: string,
  status: traceStatus,
  request_metadata: keyedText,
  tags: keyedText,
});

export const byTrace = { trace_id: required(string) };
