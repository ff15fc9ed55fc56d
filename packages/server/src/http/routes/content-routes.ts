/** Operations whose request or response body is bytes: streamed, never held in memory completely. */
import { Readable } from 'node:stream';
import { DaisError, type Operation } from '@dais/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RouteServices } from '#http/server/route-group.ts';
import { entityTag, noneMatch } from '#http/request/conditional.ts';
import { OperationInput } from '#http/request/operation-input.ts';
import { withContent, type CallContext } from '#kernel/context.ts';
import type { Download } from '#kernel/content/download.ts';
import { byteSpan } from '#lib/http/byte-range.ts';

type CallByName = (name: string, input: unknown, context: CallContext) => Promise<unknown>;

/** Adds the routes in a scope of their own without body parsing. */
export async function addContentRoutes(
  app: FastifyInstance,
  io: RouteServices,
  call: CallByName,
  operations: readonly Operation[],
): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const operation of operations) {
      const answer = operation.http.content === 'upload' ? upload(operation, io, call) : download(operation, io, call);
      scope.route({
        method: operation.http.method,
        url: operation.http.path,
        config: { operation: operation.name },
        // No compression: a byte range must not depend on Accept-Encoding.
        compress: false,
        bodyLimit: Number.MAX_SAFE_INTEGER,
        handler: answer,
      });
    }
  });
}

/**
 * The policy of uploaded pages: an opaque origin without access to our data or cookies; scripts run but reach nothing;
 * only our console may frame the page.
 */
const PAGE_POLICY = [
  'sandbox allow-scripts',
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' data: blob:",
  "style-src 'unsafe-inline' data:",
  'img-src data: blob:',
  'font-src data:',
  'media-src data: blob:',
  'worker-src blob:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
].join('; ');

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

function upload(operation: Operation, io: RouteServices, call: CallByName): Handler {
  const input = new OperationInput(operation);
  return async (request, reply) => {
    const value = input.build(rawRequest(request));
    const content = io.readContent(request.raw);
    let output: unknown;
    const { etagField } = operation.http;
    try {
      const context = withContent(io.contextOf(request, reply, 'manifest'), content);
      output = await call(operation.name, value, context);
    } finally {
      content.destroy();
    }
    reply.header('cache-control', 'no-store');
    if (etagField !== undefined)
      reply.header('etag', entityTag(String((output as Record<string, unknown>)[etagField])));
    return await reply.code(operation.http.status).type('application/json; charset=utf-8').send(JSON.stringify(output));
  };
}

function download(operation: Operation, io: RouteServices, call: CallByName): Handler {
  const input = new OperationInput(operation);
  return async (request, reply) => {
    const found = (await call(
      operation.name,
      input.build(rawRequest(request)),
      io.contextOf(request, reply, 'manifest'),
    )) as Download;
    reply.headers({
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      ...(operation.http.page === true
        ? { 'content-security-policy': PAGE_POLICY }
        : { 'content-disposition': 'attachment' }),
      ...(found.sha256 !== null && { etag: entityTag(found.sha256) }),
    });
    if (found.sha256 !== null && noneMatch(request.headers['if-none-match'], found.sha256)) {
      return await reply.code(304).send();
    }
    const span = byteSpan(request.headers.range, found.size);
    if (span === 'outside') {
      reply.header('content-range', `bytes */${found.size}`);
      throw new DaisError('range_not_satisfiable', `The content has ${found.size} bytes.`);
    }
    const length = span === undefined ? found.size : span.end - span.start + 1;
    reply
      .header('content-length', length)
      .type(operation.http.page === true ? 'text/html; charset=utf-8' : 'application/octet-stream');
    if (span !== undefined) {
      reply.code(206).header('content-range', `bytes ${span.start}-${span.end}/${found.size}`);
    }
    // Do not open content that is not sent.
    return await reply.send(request.method === 'HEAD' ? Readable.from([]) : await found.open(span));
  };
}

function rawRequest(request: FastifyRequest) {
  const start = request.url.indexOf('?');
  return {
    params: request.params as Record<string, string>,
    query: start === -1 ? '' : request.url.slice(start + 1),
    body: undefined,
    ifMatch: undefined,
    ticket: request.headers['dais-ticket']?.toString(),
  };
}
