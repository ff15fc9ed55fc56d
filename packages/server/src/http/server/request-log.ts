import type { FinishedRequest } from '#http/server/http-server.ts';
import type { Log } from '#lib/log.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';

/** Which requests are logged: `log.requests` of the configuration. */
export type LoggedRequests = 'all' | 'errors' | 'none';

/** Logs a request. The path is without its query, which may contain secrets. */
export function logRequest(log: Log, which: LoggedRequests, request: FinishedRequest, traceId?: string): void {
  if (which === 'none' || (which === 'errors' && request.status < 500)) return;
  const { operation, method, path, status, durationMs, requestId, client } = request;
  const fields = {
    ...(operation !== '' && { operation }),
    method,
    path,
    status,
    durationMs: Math.round(durationMs * 1000) / 1000,
    requestId,
    ...(client !== undefined && { client }),
    ...(traceId !== undefined && { traceId }),
  };
  if (status >= 500) log.warn('request failed with a server error', fields);
  else log.info('request', fields);
}

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
