import { readMetricOperation, sampleMetricOperation } from '@dais/api/tracking';
import { route, type CallOperation, type Route } from '../route.ts';
import { list, pageToken, pointMessage } from '../wire/encode.ts';
import { LIMITS, runName } from '../wire/limits.ts';
import { double, int32, int64, nested, repeated, required, string } from '../wire/message.ts';
import { metric } from '../wire/messages.ts';
import { invalid } from '../wire/mlflow-error.ts';
import { ignoreMissing } from './ignore-missing.ts';
import { refusedRun } from './run-errors.ts';

/** For MLflow's own pages. */
const PAGES = 'for the MLflow UI';
const SEE = ' See the API docs for more information about request parameters.';

export const metricRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/mlflow/metrics/get-history',
    long: true,
    operation: readMetricOperation,
    request: {
      run_id: required(string),
      run_uuid: string,
      metric_key: required(string),
      page_token: string,
      max_results: int32,
    },
    response: { metrics: repeated(nested(metric)), next_page_token: string },
    answer: async ({ run_id: id, metric_key: key, page_token: cursor = '', max_results: limit }, call) => {
      if (limit !== undefined && limit < 1) {
        throw invalid(`Invalid value ${limit} for parameter 'max_results' supplied. It must be a positive integer.`);
      }
      // A key that cannot be has no points, as in MLflow.
      if (key.length > LIMITS.key) return {};
      const { items, nextCursor } = await call(
        readMetricOperation,
        {
          id: runName(id),
          key,
          limit: Math.min(limit ?? LIMITS.historyPage, 100_000),
          ...(cursor !== '' && { cursor }),
        },
        refusedRun(id),
      );
      return { metrics: list(items.map((point) => pointMessage(key, point))), ...pageToken(nextCursor) };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/metrics/get-history-bulk-interval',
    long: true,
    operation: sampleMetricOperation,
    request: {
      run_ids: required(repeated(string)),
      metric_key: required(string),
      start_step: int32,
      end_step: int32,
      max_results: int32,
    },
    response: {
      metrics: repeated(nested({ key: string, value: double, timestamp: int64, step: int64, run_id: string })),
    },
    answer: async ({ run_ids: ids, metric_key: key, start_step: fromStep, end_step: toStep, ...more }, call) => {
      const { max_results: limit = LIMITS.sampledResults } = more;
      if (ids.length > LIMITS.historyRuns) {
        throw invalid(
          `GetMetricHistoryBulkInterval request must specify at most ${LIMITS.historyRuns} run_ids. Received ${ids.length} run_ids.${SEE}`,
        );
      }
      if (limit < 1 || limit > LIMITS.sampledResults) {
        throw invalid(`max_results must be between 1 and ${LIMITS.sampledResults}.${SEE}`);
      }
      if ((fromStep === undefined) !== (toStep === undefined)) {
        throw invalid('If either start step or end step are specified, both must be specified.');
      }
      if (fromStep !== undefined && toStep !== undefined && fromStep > toStep) {
        throw invalid(`end_step must be greater than start_step. Found start_step=${fromStep} and end_step=${toStep}.`);
      }
      if (key.length > LIMITS.key) return {};
      const { series } = await call(sampleMetricOperation, {
        ids: ids.map(runName),
        key,
        limit,
        ...(fromStep !== undefined && { fromStep }),
        ...(toStep !== undefined && { toStep }),
      });
      return {
        metrics: list(
          series.flatMap(({ id, points }) => points.map((point) => ({ ...pointMessage(key, point), run_id: id }))),
        ),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/metrics/get-history-bulk',
    long: true,
    beside: PAGES,
    operation: readMetricOperation,
    request: { run_id: repeated(string), metric_key: string, max_results: int32 },
    response: {
      metrics: repeated(nested({ key: string, value: double, timestamp: int64, step: int64, run_id: string })),
    },
    answer: async ({ run_id: ids = [], metric_key: key, max_results: requested = LIMITS.historyPage }, call) => {
      if (ids.length === 0) throw invalid('GetMetricHistoryBulk request must specify at least one run_id.');
      if (ids.length > LIMITS.historyRuns) {
        throw invalid(
          `GetMetricHistoryBulk request cannot specify more than ${LIMITS.historyRuns} run_ids. Received ${ids.length} run_ids.`,
        );
      }
      if (key === undefined) throw invalid('GetMetricHistoryBulk request must specify a metric_key.');
      if (key === '' || key.length > LIMITS.key) return { metrics: [] };
      return { metrics: await historyOf(ids, key, Math.min(requested, LIMITS.historyPage), call) };
    },
  }),
];

/** By run id, until the requested number is reached. A missing run has none. */
async function historyOf(ids: readonly string[], key: string, requested: number, call: CallOperation) {
  const metrics: object[] = [];
  for (const id of [...new Set(ids)].toSorted()) {
    const limit = requested - metrics.length;
    if (limit < 1) break;
    const page = await ignoreMissing(
      async () => await call(readMetricOperation, { id: runName(id), key, limit }, refusedRun(id)),
    );
    for (const point of page?.items ?? []) metrics.push({ ...pointMessage(key, point), run_id: id });
  }
  return metrics;
}
