/**
 * The native REST API: every operation at the URL of its binding. A route decodes, calls the dispatcher and encodes; it
 * contains no domain rule.
 */
import { DaisError, type Operation } from '@dais/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { decodeText, parseJson, parseYaml, withPositions } from '#http/request/body-text.ts';
import { readBody } from '#http/request/body-reader.ts';
import { entityTag, noneMatch } from '#http/request/conditional.ts';
import { addContentRoutes } from '#http/routes/content-routes.ts';
import type { RouteGroup, RouteServices } from '#http/server/route-group.ts';
import { negotiate } from '#http/request/negotiation.ts';
import { requestsStream, OperationInput } from '#http/request/operation-input.ts';
import { withSignal, type CallContext } from '#kernel/context.ts';
import type { ManifestDocument } from '#kernel/manifest-text.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

/** The part of the kernel that these routes need. */
export interface OperationCalls {
  readonly operations: readonly Operation[];
  call(name: string, input: unknown, context: CallContext): Promise<unknown>;
  watch(name: string, input: unknown, context: CallContext): Promise<AsyncIterable<unknown>>;
}

export interface NativeRoutesOptions {
  readonly calls: OperationCalls;
  readonly clock: Clock;
  readonly log: Log;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const JSON_BODY = /^application\/(?:[a-z0-9.+-]+\+)?json$/;
const YAML_BODY = /^(?:application|text)\/(?:x-)?(?:vnd\.)?yaml$/;

export function nativeRoutes(options: NativeRoutesOptions): RouteGroup {
  const own = options.calls.operations.filter((operation) => operation.http.path.startsWith('/api/v1/'));
  const addresses = groupByAddress(own.filter((operation) => operation.http.content === undefined));
  const bytes = own.filter((operation) => operation.http.content !== undefined);
  return {
    name: 'native',
    paths: ['/api/v1/*'],
    perProject: true,
    access: 'checked',
    dispatched: true,
    compress: true,
    register: async (app, io) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', async (request: FastifyRequest, payload: FastifyRequest['raw']) =>
        decodeBody(request, await readBody(payload, io.limits, options.clock, { inflate: true })),
      );
      for (const address of addresses) addRoute(app, io, options, address);
      await addContentRoutes(app, io, (...call) => options.calls.call(...call), bytes);
    },
  };
}

/** Operations that share method and path: at most one with a single response and one stream. */
interface Address {
  readonly method: Operation['http']['method'];
  readonly path: string;
  readonly answer: Operation | undefined;
  readonly stream: Operation | undefined;
}

function groupByAddress(operations: readonly Operation[]): Address[] {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const key = `${operation.http.method} ${operation.http.path}`;
    groups.set(key, [...(groups.get(key) ?? []), operation]);
  }
  return [...groups.values()].map((group): Address => {
    const streams = group.filter((operation) => operation.mode === 'watch');
    const answers = group.filter((operation) => operation.mode !== 'watch');
    const [first] = group;
    if (first === undefined || streams.length > 1 || answers.length > 1) {
      throw new Error(`${group.map((operation) => operation.name).join(' and ')} have the same URL`);
    }
    return { method: first.http.method, path: first.http.path, answer: answers[0], stream: streams[0] };
  });
}

function addRoute(app: FastifyInstance, io: RouteServices, options: NativeRoutesOptions, address: Address): void {
  const { method, path, answer, stream } = address;
  const answerRoute = answer === undefined ? undefined : answerer(answer, io, options);
  const streamRoute = stream === undefined ? undefined : streamer(stream, io, options);
  app.route({
    method,
    url: path,
    config: { operation: (answer ?? stream)?.name ?? '' },
    handler: async (request, reply) => {
      const query = queryOf(request.url);
      if (streamRoute !== undefined && request.method === 'GET' && requestsStream(query)) {
        return await streamRoute(request, reply, query);
      }
      if (answerRoute === undefined) {
        throw new DaisError('invalid_request', 'This route only supports streams. Add `watch=true`.', {
          issues: [{ path: 'query.watch', message: 'is required', expected: 'true' }],
        });
      }
      return await answerRoute(request, reply, query);
    },
  });
}

type Route = (request: FastifyRequest, reply: FastifyReply, query: string) => Promise<unknown>;

function answerer(operation: Operation, io: RouteServices, { calls }: NativeRoutesOptions): Route {
  const input = new OperationInput(operation);
  const { status, bodyField } = operation.http;
  return async (request, reply, query) => {
    negotiate(request.headers.accept, 'application/json');
    if (operation.secretAnswer === true) refuseKey(request);
    const body = bodyOf(operation, request);
    const value = input.build({
      params: request.params as Record<string, string>,
      query,
      body: body.value,
      ifMatch: request.headers['if-match'],
    });
    let output: unknown;
    try {
      output = await calls.call(operation.name, value, io.contextOf(request, reply, 'manifest'));
    } catch (error) {
      if (!(error instanceof DaisError) || body.document === undefined) throw error;
      throw withPositions(error, body.document, bodyField ?? '');
    }
    const version = versionOf(output);
    reply.header('cache-control', 'private, no-cache');
    if (version !== undefined) {
      reply.header('etag', entityTag(version));
      const read = request.method === 'GET' || request.method === 'HEAD';
      if (read && noneMatch(request.headers['if-none-match'], version)) return await reply.code(304).send();
    }
    return await reply.code(status).header('content-type', JSON_TYPE).send(JSON.stringify(output));
  };
}

/** A client that sends an Idempotency-Key relies on the stored response; some responses are never stored. */
function refuseKey({ headers }: FastifyRequest): void {
  if (headers['idempotency-key'] === undefined) return;
  throw new DaisError(
    'invalid_request',
    'The response of this operation contains a secret and is not stored, so it does not support idempotent retries. Omit Idempotency-Key.',
    {
      issues: [
        { path: 'Idempotency-Key', message: 'is not supported by this operation', expected: 'omit this header' },
      ],
    },
  );
}

function streamer(operation: Operation, io: RouteServices, { calls, log }: NativeRoutesOptions): Route {
  const input = new OperationInput(operation);
  return async (request, reply, query) => {
    negotiate(request.headers.accept, 'text/event-stream');
    const context = io.contextOf(request, reply, 'manifest');
    const value = input.build({
      params: request.params as Record<string, string>,
      query,
      body: undefined,
      ifMatch: undefined,
    });
    const resumeFrom = request.headers['last-event-id'];
    // A reconnecting reader repeats its first URL: its last position counts, not the first.
    if (typeof resumeFrom === 'string' && resumeFrom !== '') value['resourceVersion'] = resumeFrom;
    try {
      await io.streams.serve({
        response: reply.raw,
        takeOver: () => {
          request.streaming = true;
          reply.hijack();
          return reply.getHeaders() as Record<string, string>;
        },
        requestId: request.id,
        open: (signal) => calls.watch(operation.name, value, withSignal(context, signal)),
        idOf: positionOf,
      });
    } catch (error) {
      if (!reply.sent) throw error;
      log.error(`${operation.name}: a stream failed`, { error, requestId: request.id });
    }
    // The reader disconnected before the stream started.
    if (!reply.sent) reply.hijack();
    return reply;
  };
}

function positionOf(frame: unknown): string | undefined {
  const { resourceVersion, cursor } = frame as { resourceVersion?: string; cursor?: string };
  return resourceVersion ?? cursor;
}

/** Returns the version of the resource in an output; undefined for lists and other outputs. */
function versionOf(output: unknown): string | undefined {
  return (output as { metadata?: { resourceVersion?: string } } | null)?.metadata?.resourceVersion;
}

function queryOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start + 1);
}

type DecodedBody = { readonly json: string } | { readonly yaml: string };

/** @throws DaisError `unsupported_media_type`, `not_utf8`. */
function decodeBody(request: FastifyRequest, bytes: Buffer): DecodedBody | undefined {
  if (bytes.length === 0) return undefined;
  const header = request.headers['content-type'] ?? '';
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  if (charset !== undefined && !/^"?utf-?8"?$/.test(charset)) {
    throw new DaisError('unsupported_media_type', `The charset ${charset.slice(0, 40)} is not supported. Send UTF-8.`);
  }
  if (JSON_BODY.test(type)) return { json: decodeText(bytes) };
  if (YAML_BODY.test(type)) return { yaml: decodeText(bytes) };
  throw new DaisError(
    'unsupported_media_type',
    `${type === '' ? 'The request has no Content-Type' : `The Content-Type ${type.slice(0, 80)} is not supported`}. Send application/json, or application/yaml for a manifest.`,
  );
}

/**
 * Reads the body as the binding of the operation requires. @throws DaisError `unsupported_media_type`,
 * `unreadable_body`, …
 */
function bodyOf(
  operation: Operation,
  request: FastifyRequest,
): { readonly value: unknown; readonly document?: ManifestDocument } {
  const body = request.body as DecodedBody | undefined;
  if (body === undefined) return { value: undefined };
  if ('json' in body) return { value: parseJson(body.json) };
  if (operation.http.yaml !== true) {
    throw new DaisError('unsupported_media_type', 'This route accepts only application/json.');
  }
  // Without a field for one manifest, the text may contain several: the kernel parses them and keeps their positions.
  if (operation.http.bodyField === undefined) return { value: { sources: [{ file: '-', text: body.yaml }] } };
  const document = parseYaml(body.yaml);
  return { value: document.value, document };
}
