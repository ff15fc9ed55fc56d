/** The spans of a trace as a file, for the MLflow UI. */
import { simpleValue } from '@dais/api/access';
import { readTracesOperation, type Span } from '@dais/api/tracking';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendFileAt, type ArtifactIo, type CallerOf } from './artifact-transfer.ts';
import { noTrace, traceName } from '#protocols/mlflow/routes/trace-routes.ts';
import { joined } from '#protocols/mlflow/wire/artifact-location.ts';
import { safePath } from '#protocols/mlflow/wire/limits.ts';
import { invalid, missing, MlflowError } from '#protocols/mlflow/wire/mlflow-error.ts';
import { inOrder } from '#protocols/mlflow/wire/trace-encode.ts';

const ADDRESSES = ['/ajax-api/2.0/mlflow/get-trace-artifact', '/ajax-api/3.0/mlflow/get-trace-artifact'] as const;
/** The name of the file, and its location for clients that store spans with the other artifacts. */
const FILE = 'traces.json';
/** Below the artifacts of a trace: what its messages carried besides text. */
const ATTACHMENTS = 'attachments';

/** What is served here, for the table of endpoints: none of it is in MLflow's protocol files. */
export const traceFileEndpoints = ADDRESSES.map((path) => ({
  method: 'GET' as const,
  path,
  operation: readTracesOperation.name,
}));

export function addTraceFiles(app: FastifyInstance, io: ArtifactIo, callerOf: CallerOf): void {
  for (const url of ADDRESSES) {
    app.route({
      method: 'GET',
      url,
      config: { operation: readTracesOperation.name },
      handler: async (request, reply) => await sendSpans(request, reply, io, callerOf),
    });
  }
}

async function sendSpans(
  request: FastifyRequest,
  reply: FastifyReply,
  io: ArtifactIo,
  callerOf: CallerOf,
): Promise<FastifyReply> {
  const { request_id: id, path } = request.query as { readonly request_id?: unknown; readonly path?: unknown };
  if (typeof id !== 'string' || id === '') {
    throw new MlflowError('BAD_REQUEST', 'Request must include the "request_id" query parameter.');
  }
  const call = callerOf(io.contextOf(request, reply, 'mlflow'));
  const attachment = path === undefined || path === '' ? undefined : attachmentOf(path);
  const input = { ids: [traceName(id)], spans: attachment === undefined };
  const { items } = await call(readTracesOperation, input, noTrace(id));
  const [found] = items;
  if (found === undefined) throw missing(`Trace with ID '${id}' not found.`);
  const at = (path: string) => ({ uri: found.trace.artifactUri, path });
  if (attachment !== undefined) {
    return await sendFileAt(request, reply, at(joined(ATTACHMENTS, attachment)), call);
  }
  if (found.spans.length === 0) return await sendFileAt(request, reply, at(FILE), call);
  reply.headers({
    'content-disposition': `attachment; filename=${FILE}`,
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, no-cache',
  });
  const spans = inOrder(found.spans).map(spanText);
  return await reply.type('application/octet-stream').send(`{"spans": [${spans.join(', ')}]}`);
}

function attachmentOf(path: unknown): string {
  const safe = typeof path === 'string' ? safePath(path) : '';
  if (safe === '' || safe.includes('/')) throw invalid('Invalid path');
  return safe;
}

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

/** As MLflow writes a span into a file: values of attributes as JSON texts, times as numbers beyond what JavaScript has. */
function spanText(span: Span): string {
  const { traceId, id, parentId, name, status = 'UNSET', message = '', attributes = {} } = span;
  const texts = Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, JSON.stringify(simpleValue(value))]),
  );
  const head = JSON.stringify({
    trace_id: base64(traceId),
    span_id: base64(id),
    parent_span_id: parentId === undefined ? null : base64(parentId),
    name,
    status: { code: `STATUS_CODE_${status}`, message },
    attributes: { 'mlflow.traceRequestId': JSON.stringify(`tr-${traceId}`), ...texts },
    links: (span.links ?? []).map((link) => ({
      trace_id: `tr-${link.traceId}`,
      span_id: link.spanId,
      attributes: simpleValue(link.attributes ?? {}),
    })),
  });
  const events = (span.events ?? []).map(
    ({ name: event, ns = '0', attributes: inner = {} }) =>
      `{"name":${JSON.stringify(event)},"time_unix_nano":${ns},"attributes":${JSON.stringify(simpleValue(inner))}}`,
  );
  const times = `"start_time_unix_nano":${span.startNs},"end_time_unix_nano":${span.endNs ?? 'null'}`;
  return `${head.slice(0, -1)},${times},"events":[${events.join(',')}]}`;
}
