/**
 * Traces a prediction: a span for the request, with child spans for the queue and for the run in the model's worker.
 */
import type { Clock } from '#lib/clock.ts';
import { childOf, type Tracer } from '#lib/telemetry/tracer.ts';
import type { Attempt, Caller } from './attempt.ts';

export function tracePrediction(
  { tracer, clock }: { readonly tracer: Tracer; readonly clock: Clock },
  { id, route, variant, startedAt, batch }: Attempt,
  { traceparent, requestId, protocol }: Pick<Caller, 'traceparent' | 'requestId' | 'protocol'>,
  status: number,
): void {
  const context = tracer.context(traceparent);
  if (!context.sampled) return;
  const durationMs = performance.now() - startedAt;
  const startMs = clock.now() - durationMs;
  const { project, name } = route.served;
  tracer.record({
    context,
    name: `predict ${name}`,
    startMs,
    durationMs,
    failed: status >= 500,
    attributes: {
      'dais.project': project,
      'dais.endpoint': name,
      'dais.prediction': id,
      'dais.protocol': protocol,
      ...(variant !== undefined && { 'dais.variant': variant.name, 'dais.model': variant.model.key }),
      'http.response.status_code': status,
      'http.request.id': requestId,
    },
  });
  if (batch === undefined || variant === undefined) return;
  // The end of the run is the last known time; the response follows immediately.
  const runMs = batch.runMicros / 1000;
  const queueMs = batch.queueMicros / 1000;
  const ranAt = Math.max(startMs, startMs + durationMs - runMs);
  const attributes = { 'dais.model': variant.model.key, 'dais.rows': batch.rows };
  const part = { kind: 'internal', failed: false, attributes } as const;
  const waitedAt = Math.max(startMs, ranAt - queueMs);
  tracer.record({ ...part, context: childOf(context), name: 'queue', startMs: waitedAt, durationMs: queueMs });
  tracer.record({ ...part, context: childOf(context), name: 'model', startMs: ranAt, durationMs: runMs });
}
