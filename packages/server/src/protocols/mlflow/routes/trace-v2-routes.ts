/**
 * Traces as clients before 3.0 write and read them: started and ended in two calls, with the spans in a separate file.
 */
import { endTraceOperation, putTraceOperation, readTraceOperation, searchTracesOperation } from '@dais/api/tracking';
import { route, type Route } from '../route.ts';
import { list, pageToken } from '../wire/encode.ts';
import { experimentNumber } from '../wire/limits.ts';
import { int32, int64, repeated, required, string } from '../wire/message.ts';
import { invalid } from '../wire/mlflow-error.ts';
import { traceInfoV2Message } from '../wire/trace-encode.ts';
import { keyedText, traceInfoV2, traceStatus } from '../wire/trace-messages.ts';
import { inactive, noExperiment } from './experiment-routes.ts';
import { noTrace, ownTags, searchTraces, traceAttributesOf, traceName } from './trace-routes.ts';

type Sent = readonly { readonly key?: string; readonly value?: string }[];

function mapOf(pairs: Sent = []): Record<string, string> {
  return Object.fromEntries(
    pairs.map(({ key = '', value = '' }) => {
      if (key === '') throw invalid("Missing value for required parameter 'key'.");
      return [key, value];
    }),
  );
}

export const traceV2Routes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/traces',
    operation: putTraceOperation,
    request: { experiment_id: string, timestamp_ms: int64, request_metadata: keyedText, tags: keyedText },
    response: { trace_info: traceInfoV2 },
    answer: async ({ experiment_id: experiment = '0', timestamp_ms: time = 0, ...values }, call) => {
      const experimentId = experimentNumber(experiment);
      const trace = await call(
        putTraceOperation,
        {
          experimentId,
          requestedAt: time,
          state: 'IN_PROGRESS',
          ...traceAttributesOf(mapOf(values.request_metadata)),
          tags: ownTags(mapOf(values.tags)),
        },
        { ...noExperiment(experimentId), ...inactive(experimentId) },
      );
      return { trace_info: traceInfoV2Message(trace) };
    },
  }),
  route({
    method: 'PATCH',
    path: '/mlflow/traces/:request_id',
    operation: endTraceOperation,
    request: {
      request_id: required(string),
      timestamp_ms: int64,
      status: traceStatus,
      request_metadata: keyedText,
      tags: keyedText,
    },
    response: { trace_info: traceInfoV2 },
    answer: async ({ request_id: id, timestamp_ms: endedAt = 0, status = 'OK', ...values }, call) => {
      const trace = await call(
        endTraceOperation,
        {
          id: traceName(id),
          endedAt,
          state: status === 'TRACE_STATUS_UNSPECIFIED' ? 'UNSPECIFIED' : status,
          ...traceAttributesOf(mapOf(values.request_metadata)),
          tags: ownTags(mapOf(values.tags)),
        },
        noTrace(id),
      );
      return { trace_info: traceInfoV2Message(trace) };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/traces/:request_id/info',
    operation: readTraceOperation,
    request: { request_id: required(string) },
    response: { trace_info: traceInfoV2 },
    answer: async ({ request_id: id }, call) => ({
      trace_info: traceInfoV2Message(await call(readTraceOperation, { id: traceName(id) }, noTrace(id))),
    }),
  }),
  route({
    method: 'GET',
    path: '/mlflow/traces',
    long: true,
    operation: searchTracesOperation,
    request: {
      experiment_ids: required(repeated(string)),
      filter: string,
      max_results: int32,
      order_by: repeated(string),
      page_token: string,
    },
    response: { traces: repeated(traceInfoV2), next_page_token: string },
    answer: async ({ experiment_ids: experiments, ...values }, call) => {
      const { items, nextCursor } = await searchTraces(experiments, values, call);
      return { traces: list(items.map(traceInfoV2Message)), ...pageToken(nextCursor) };
    },
  }),
];
