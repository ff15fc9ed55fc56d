import type { FinishedRequest } from '#http/http-server.ts';
import type { Tracer } from '#lib/tracer.ts';

/** Records a span for each request of an operation; returns the trace ID, for the log. */
export function traceRequest(tracer: Tracer, nowMs: number, request: FinishedRequest): string {
  const context = request.span ?? tracer.context(request.traceparent);
  if (request.operation !== '') {
    tracer.record({
      context,
      name: request.operation,
      startMs: nowMs - request.durationMs,
      durationMs: request.durationMs,
      failed: request.status >= 500,
      attributes: {
        'http.request.method': request.method,
        'url.path': request.path,
        'http.response.status_code': request.status,
        'http.request.id': request.requestId,
      },
    });
  }
  return context.traceId;
}
