import { setTimeout as delay } from 'node:timers/promises';
import {
  correlateTracesOperation,
  deleteTracesOperation,
  linkPromptsOperation,
  linkTracesOperation,
  putTraceOperation,
  readTraceOperation,
  readTracesOperation,
  searchTracesOperation,
  tagTraceOperation,
  untagTraceOperation,
  type Trace,
} from '@dais/api/tracking';
import { route, type CallOperation, type Refusals, type Route } from '../route.ts';
import { list, pageToken } from '../wire/encode.ts';
import { experimentNumber, requireLength, runName } from '../wire/limits.ts';
import { bool, double, int32, int64, nested, repeated, required, string } from '../wire/message.ts';
import { invalid, missing } from '../wire/mlflow-error.ts';
import {
  durationMs,
  inOrder,
  milliseconds,
  newAssessmentOf,
  spanMessage,
  traceInfoMessage,
  WORDS,
} from '../wire/trace-encode.ts';
import { byTrace, trace, traceInfo, traceLocation } from '../wire/trace-messages.ts';
import { inactive, noExperiment } from './experiment-routes.ts';
import { isTagMissing, refusedRun } from './run-errors.ts';
import { npmi } from './trace-correlation.ts';

const TAG_KEY = 250;
const TAG_VALUE = 8000;
const MOST_RESULTS = 500;
const MOST_LINKS = 100;
/** Traces of one operation. */
const SLICE = 1000;

export function noTrace(id: string): Refusals {
  return { not_found: () => missing(`Trace with ID '${id}' not found.`) };
}

/** @throws MlflowError for an id that no trace can have. */
export function traceName(id: string): string {
  if (/^[A-Za-z0-9][\w.:-]{0,99}$/.test(id)) return id;
  throw missing(`Trace with ID '${id.slice(0, 200)}' not found.`);
}

/** What clients sent in metadata, as operations take it: tokens and costs are numbers. */
export function traceAttributesOf(metadata: Readonly<Record<string, string>>) {
  const { [WORDS.usage]: usage, [WORDS.cost]: cost, ...rest } = metadata;
  const [tokens, money] = [amounts(usage), amounts(cost)];
  return {
    metadata: rest,
    ...(tokens !== undefined && { usage: tokens }),
    ...(money !== undefined && { cost: money }),
  };
}

function amounts(text: string | undefined): Record<string, number> | undefined {
  if (text === undefined) return undefined;
  try {
    const map = JSON.parse(text) as unknown;
    if (typeof map !== 'object' || map === null) return undefined;
    const entries = Object.entries(map).filter(
      (entry): entry is [string, number] =>
        typeof entry[1] === 'number' && Number.isFinite(entry[1]) && /^[a-z0-9_]{1,60}$/.test(entry[0]),
    );
    return Object.fromEntries(entries);
  } catch {
    return undefined;
  }
}

/** Tags that the server computes are not stored. */
export function ownTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  const { [WORDS.spansLocation]: _spans, [WORDS.artifactLocation]: _artifacts, ...rest } = tags;
  return Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, value.slice(0, TAG_VALUE).toWellFormed()]),
  );
}

function requireMutable(key: string, what: 'set' | 'deleted'): void {
  if (key === '') throw invalid("Missing value for required parameter 'key'.");
  if (key === WORDS.spansLocation || key === WORDS.artifactLocation) {
    throw invalid(`Tag '${key}' is immutable and cannot be ${what} on a trace.`);
  }
}

const setTag = async (id: string, key: string, value: string, call: CallOperation) => {
  requireMutable(key, 'set');
  requireLength('key', TAG_KEY, key);
  return await call(
    tagTraceOperation,
    { id: traceName(id), tags: { [key]: value.slice(0, TAG_VALUE).toWellFormed() } },
    noTrace(id),
  );
};

const removeTag = async (id: string, key: string, call: CallOperation) => {
  requireMutable(key, 'deleted');
  return await call(
    untagTraceOperation,
    { id: traceName(id), key },
    {
      not_found: (refused) =>
        isTagMissing(refused)
          ? missing(`No trace tag with key '${key}' for trace with ID '${id}'`)
          : missing(`Trace with ID '${id}' not found.`),
    },
  );
};

const tagFields = { key: required(string), value: string };
const oldId = { request_id: required(string) };

export const traceRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/traces',
    version: 3,
    operation: putTraceOperation,
    request: { trace: required(nested(trace)) },
    response: { trace: nested(trace) },
    answer: async ({ trace: { trace_info: info = {} } }, call) => {
      const {
        trace_id: id = '',
        client_request_id: clientRequestId = '',
        trace_location: location,
        request_preview: requestPreview,
        response_preview: responsePreview,
        request_time: time,
        execution_duration: took,
        state = 'STATE_UNSPECIFIED',
        trace_metadata: metadata = {},
        assessments = [],
        tags = {},
      } = info;
      const experimentId = experimentNumber(location?.mlflow_experiment?.experiment_id ?? '');
      if (time === undefined) throw invalid("Missing value for required parameter 'trace.trace_info.request_time'.");
      const written = await call(
        putTraceOperation,
        {
          experimentId,
          ...(id !== '' && { id: traceName(id) }),
          requestedAt: milliseconds(time, 'request_time'),
          ...(took !== undefined && { durationMs: durationMs(took) }),
          state: state === 'STATE_UNSPECIFIED' ? 'UNSPECIFIED' : state,
          ...(clientRequestId !== '' && { clientRequestId }),
          ...(requestPreview !== undefined && { requestPreview }),
          ...(responsePreview !== undefined && { responsePreview }),
          ...traceAttributesOf(metadata),
          tags: ownTags(tags),
          assessments: assessments.map(newAssessmentOf),
        },
        { ...noExperiment(experimentId), ...inactive(experimentId) },
      );
      return { trace: { trace_info: traceInfoMessage(written) } };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/traces/:trace_id',
    version: 3,
    operation: readTraceOperation,
    request: byTrace,
    response: { trace: nested(trace) },
    answer: async ({ trace_id: id }, call) => ({
      trace: { trace_info: traceInfoMessage(await call(readTraceOperation, { id: traceName(id) }, noTrace(id))) },
    }),
  }),
  route({
    method: 'GET',
    path: '/mlflow/traces/get',
    version: 3,
    operation: readTracesOperation,
    request: { ...byTrace, allow_partial: bool },
    response: { trace: nested(trace) },
    answer: async ({ trace_id: id, allow_partial: partial = false }, call) => ({
      trace: await wholeTrace(id, partial, call),
    }),
  }),
  route({
    method: 'GET',
    path: '/mlflow/traces/batchGet',
    long: true,
    version: 3,
    operation: readTracesOperation,
    request: { trace_ids: required(repeated(string)) },
    response: { traces: repeated(nested(trace)) },
    answer: async ({ trace_ids: ids }, call) => {
      const { items } = await call(readTracesOperation, { ids: ids.map(traceName), spans: true });
      return {
        traces: list(
          items.map(({ trace: one, spans }) => ({
            trace_info: traceInfoMessage(one),
            spans: inOrder(spans).map(spanMessage),
          })),
        ),
      };
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/traces/batchGetInfos',
    version: 3,
    operation: readTracesOperation,
    request: { trace_ids: required(repeated(string)) },
    response: { trace_infos: repeated(nested(traceInfo)) },
    answer: async ({ trace_ids: ids }, call) => {
      const { items } = await call(readTracesOperation, { ids: ids.map(traceName) });
      return { trace_infos: list(items.map(({ trace: one }) => traceInfoMessage(one))) };
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/traces/search',
    long: true,
    version: 3,
    operation: searchTracesOperation,
    request: {
      locations: required(repeated(nested(traceLocation))),
      filter: string,
      max_results: int32,
      order_by: repeated(string),
      page_token: string,
    },
    response: { traces: repeated(nested(traceInfo)), next_page_token: string },
    answer: async ({ locations, ...values }, call) => {
      const experiments = locations.flatMap(({ mlflow_experiment: one }) => one?.experiment_id ?? []);
      const { items, nextCursor } = await searchTraces(experiments, values, call);
      return { traces: list(items.map(traceInfoMessage)), ...pageToken(nextCursor) };
    },
  }),
  ...([2, 3] as const).map((version) =>
    route({
      method: 'POST',
      path: '/mlflow/traces/delete-traces',
      ...(version === 3 && { version }),
      operation: deleteTracesOperation,
      request: {
        experiment_id: required(string),
        max_timestamp_millis: int64,
        max_traces: int32,
        request_ids: repeated(string),
      },
      response: { traces_deleted: int32 },
      answer: async (values, call) => ({ traces_deleted: await deleteTraces(values, call) }),
    }),
  ),
  route({
    method: 'PATCH',
    path: '/mlflow/traces/:request_id/tags',
    operation: tagTraceOperation,
    request: { ...oldId, ...tagFields },
    answer: async ({ request_id: id, key, value = '' }, call) => await setTag(id, key, value, call),
  }),
  route({
    method: 'PATCH',
    path: '/mlflow/traces/:trace_id/tags',
    version: 3,
    operation: tagTraceOperation,
    request: { ...byTrace, ...tagFields },
    answer: async ({ trace_id: id, key, value = '' }, call) => await setTag(id, key, value, call),
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/traces/:request_id/tags',
    operation: untagTraceOperation,
    request: { ...oldId, key: required(string) },
    answer: async ({ request_id: id, key }, call) => await removeTag(id, key, call),
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/traces/:trace_id/tags',
    version: 3,
    operation: untagTraceOperation,
    request: { ...byTrace, key: required(string) },
    answer: async ({ trace_id: id, key }, call) => await removeTag(id, key, call),
  }),
  route({
    method: 'POST',
    path: '/mlflow/traces/link-to-run',
    operation: linkTracesOperation,
    request: { trace_ids: required(repeated(string)), run_id: required(string) },
    answer: async ({ trace_ids: ids, run_id: run }, call) => {
      if (ids.length > MOST_LINKS) {
        throw invalid(
          `Cannot link more than ${MOST_LINKS} traces to a run in a single request. Provided ${ids.length} traces.`,
        );
      }
      return await call(linkTracesOperation, { runId: runName(run), ids: ids.map(traceName) }, refusedRun(run));
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/traces/link-prompts',
    operation: linkPromptsOperation,
    request: { ...byTrace, prompt_versions: required(repeated(nested({ name: string, version: string }))) },
    answer: async ({ trace_id: id, prompt_versions: prompts }, call) =>
      await call(
        linkPromptsOperation,
        { id: traceName(id), prompts: prompts.map(({ name = '', version = '' }) => ({ name, version })) },
        noTrace(id),
      ),
  }),
  route({
    method: 'POST',
    path: '/mlflow/traces/calculate-filter-correlation',
    version: 3,
    operation: correlateTracesOperation,
    request: {
      experiment_ids: required(repeated(string)),
      filter_string1: required(string),
      filter_string2: required(string),
      base_filter: string,
    },
    response: {
      npmi: double,
      npmi_smoothed: double,
      filter1_count: int32,
      filter2_count: int32,
      joint_count: int32,
      total_count: int32,
    },
    answer: async (
      { experiment_ids: ids, filter_string1: filter1, filter_string2: filter2, base_filter: base },
      call,
    ) =>
      npmi(
        await call(correlateTracesOperation, {
          experimentIds: ids.map(experimentNumber),
          filter1,
          filter2,
          ...(base !== undefined && { base }),
        }),
      ),
  }),
];

interface SearchValues {
  readonly filter?: string;
  readonly max_results?: number;
  readonly order_by?: readonly string[];
  readonly page_token?: string;
}

export async function searchTraces(experiments: readonly string[], values: SearchValues, call: CallOperation) {
  const { filter = '', max_results: limit = 100, order_by: orderBy = [], page_token: cursor = '' } = values;
  if (limit > MOST_RESULTS || limit < 1) {
    throw invalid(
      `Invalid value ${limit} for parameter 'max_results' supplied. It must be at least 1 and at most ${MOST_RESULTS}`,
    );
  }
  return await call(searchTracesOperation, {
    experimentIds: experiments.map(experimentNumber),
    limit,
    ...(filter !== '' && { filter }),
    ...(orderBy.length > 0 && { orderBy: [...orderBy] }),
    ...(cursor !== '' && { cursor }),
  });
}

interface Deletion {
  readonly experiment_id: string;
  readonly max_timestamp_millis?: number;
  readonly max_traces?: number;
  readonly request_ids?: readonly string[];
}

/** All that are meant, however many: by transactions of a thousand. */
async function deleteTraces(values: Deletion, call: CallOperation): Promise<number> {
  const { max_timestamp_millis: before, max_traces: most, request_ids: ids = [] } = values;
  const experimentId = experimentNumber(values.experiment_id);
  if (before === undefined && ids.length === 0) {
    throw invalid('Either `max_timestamp_millis` or `trace_ids` must be specified.');
  }
  if (before !== undefined && ids.length > 0) {
    throw invalid('Only one of `max_timestamp_millis` and `trace_ids` can be specified.');
  }
  if (ids.length > 0 && most !== undefined)
    throw invalid("`max_traces` can't be specified if `trace_ids` is specified.");
  if (most !== undefined && most <= 0) throw invalid(`\`max_traces\` must be a positive integer, received ${most}.`);
  const remove = async (which: { ids: string[] } | { before: number; limit: number }) =>
    (await call(deleteTracesOperation, { experimentId, ...which }, noExperiment(experimentId))).deleted;
  let deleted = 0;
  if (before === undefined) {
    for (let at = 0; at < ids.length; at += SLICE)
      deleted += await remove({ ids: ids.slice(at, at + SLICE).map(traceName) });
    return deleted;
  }
  for (let left = most ?? Number.MAX_SAFE_INTEGER; left > 0;) {
    const limit = Math.min(left, SLICE);
    const gone = await remove({ before, limit });
    deleted += gone;
    left -= gone;
    if (gone < limit) break;
  }
  return deleted;
}

/** Clients announce the number of spans; missing spans are awaited, as in MLflow's server. */
const WAITS_MS = [1000, 2000] as const;

async function wholeTrace(id: string, partial: boolean, call: CallOperation) {
  for (const wait of [...WAITS_MS, undefined]) {
    const { items } = await call(readTracesOperation, { ids: [traceName(id)], spans: true });
    const [found] = items;
    if (found === undefined) throw missing(`Trace with ID ${id} is not found.`);
    if (partial || found.spans.length >= expectedSpans(found.trace)) {
      return { trace_info: traceInfoMessage(found.trace), spans: inOrder(found.spans).map(spanMessage) };
    }
    if (wait !== undefined) await delay(wait);
  }
  throw missing(`Trace with ID ${id} is not fully exported yet, please try again later.`);
}

function expectedSpans({ metadata, spans }: Trace): number {
  // A trace whose spans are stored elsewhere never gets spans.
  if (spans === 0) return 0;
  try {
    const { num_spans: expected } = JSON.parse(metadata[WORDS.sizeStats] ?? '{}') as { readonly num_spans?: unknown };
    return typeof expected === 'number' ? expected : 0;
  } catch {
    return 0;
  }
}
