/** Metrics of a run become its training metrics; metrics without a run are rejected. */
import { logRunOperation } from '@dais/api/tracking';
import { systemClock } from '#lib/clock.ts';
import { decodeMetricsJson, decodeMetricsProtobuf } from './decode-metrics.ts';
import type { Rejections } from './encode.ts';
import {
  problemOfMetric,
  PointError,
  runMetrics,
  type MetricDraft,
  type PointDraft,
  type RunMetric,
} from './metric-draft.ts';
import { decodedBody, type ReceivedRequest } from './received-request.ts';
import { ItemsByRun } from './run-of-telemetry.ts';

const decode = { json: decodeMetricsJson, protobuf: decodeMetricsProtobuf };
const names = { message: 'ExportMetricsServiceRequest', items: 'data points' };

export async function receiveMetrics(request: ReceivedRequest): Promise<Rejections> {
  const resources = decodedBody(request, decode, names);
  const items = new ItemsByRun<readonly RunMetric[]>('metrics', request.headers);
  const now = systemClock.now();
  for (const { resource, metrics } of resources) {
    for (const metric of metrics) {
      const problem = problemOfMetric(metric);
      for (const point of metric.points) {
        const stored = problem ?? storedPoint(metric, point, now);
        if (typeof stored === 'string') items.reject(stored);
        else items.add(stored.length === 0 ? undefined : stored, point.attributes, resource);
      }
    }
  }
  return await items.store(
    (point) => point.length,
    async (id, points) => await request.call(logRunOperation, { id, metrics: points.flat() }),
  );
}

/** Returns why a point cannot be stored, or its metrics. */
function storedPoint(metric: MetricDraft, point: PointDraft, now: number): string | readonly RunMetric[] {
  try {
    return runMetrics(metric, point, now);
  } catch (error) {
    if (error instanceof PointError) return error.message;
    throw error;
  }
}
