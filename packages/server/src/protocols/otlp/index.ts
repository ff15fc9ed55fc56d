/** OpenTelemetry's protocol for spans over HTTP: `POST /v1/traces`, as any exporter sends them. */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { DaisError, errorCatalog, type Operation } from '@dais/api';
import { logSpansOperation, type ResourceSpans } from '@dais/api/tracking';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { Log } from '#lib/log.ts';
import { ProtobufError } from '#lib/formats/protobuf-reader.ts';
import { decodeJson, JsonError } from './decode-json.ts';
import { decodeProtobuf } from './decode-protobuf.ts';
import { answerBody, statusBody, type Encoding } from './encode.ts';
import { translateResource } from './translation/translate.ts';
import { MOST_SPANS, TooManySpans, type Decoded } from './span-draft.ts';

export { spanWords } from './span-words.ts';

export interface OtlpDependencies {
  readonly calls: {
    readonly operations: readonly Operation[];
    call(name: string, input: unknown, context: CallContext): Promise<unknown>;
  };
  readonly log: Log;
}

/** The part of the HTTP server that the adapter needs. */
interface OtlpIo {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  readBody(payload: FastifyRequest['raw'], options: { readonly compressed: boolean }): Promise<Buffer>;
  readonly limits: { readonly bodyBytes: number };
}

/** The headers of MLflow's exporters for the experiment of the spans and the run that is linked to their traces. */
const EXPERIMENT_HEADER = 'x-mlflow-experiment-id';
const RUN_HEADER = 'x-mlflow-run-id';
/** The same as attributes of the program, for exporters that cannot set a header. */
const EXPERIMENT_ATTRIBUTES = ['mlflow.experimentId', 'mlflow.experiment_id'] as const;
const DEFAULT_EXPERIMENT = '0';

export function otlpAdapter({ calls, log }: OtlpDependencies) {
  return {
    name: 'otlp',
    paths: ['/v1/traces'],
    perProject: true,
    // A workspace is a project: MLflow's exporters name it so.
    projectHeader: 'x-mlflow-workspace',
    access: 'checked',
    dispatched: true,
    compress: false,
    register: (app: FastifyInstance, io: OtlpIo) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser(
        '*',
        async (_request: FastifyRequest, payload: FastifyRequest['raw']) =>
          await io.readBody(payload, { compressed: true }),
      );
      app.setErrorHandler(async (error, request, reply) => await sendError(error, request, reply, log));
      app.route({
        method: 'POST',
        url: '/v1/traces',
        config: { operation: logSpansOperation.name },
        handler: async (request, reply) => {
          const encoding = encodingOf(request);
          if (encoding === undefined) {
            const type = String(request.headers['content-type']).slice(0, 80);
            throw refused(`Invalid Content-Type: ${type}. Expected: application/x-protobuf or application/json.`);
          }
          const bytes = await unpacked(request, io.limits.bodyBytes);
          // Exporters that name an experiment this way expect the status codes of MLflow's server.
          const isMlflow = (request.headers[EXPERIMENT_HEADER] ?? '') !== '';
          const { resources, spans, rejected, reason } = decode(bytes, encoding);
          if (isMlflow && resources.length === 0) throw refused('The request is invalid: no spans found.');
          const context = io.contextOf(request, reply, 'otlp');
          const runId = request.headers[RUN_HEADER];
          const translated = resources.map(translateResource);
          for (const [experimentId, group] of byExperiment(translated, request.headers[EXPERIMENT_HEADER])) {
            const input = { experimentId, ...(typeof runId === 'string' && { runId }), resources: group };
            await calls.call(logSpansOperation.name, input, context);
          }
          if (spans > 0 && rejected === spans)
            throw refused(`All spans were rejected: ${reason ?? ''}.`, isMlflow ? 422 : 400);
          return await reply.type(TYPES[encoding]).send(answerBody(encoding, rejected, reason));
        },
      });
    },
  } as const;
}

class Refusal extends Error {
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

function refused(message: string, status = 400): Refusal {
  return new Refusal(message, status);
}

const TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

function encodingOf(request: FastifyRequest): Encoding | undefined {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === TYPES.protobuf) return 'protobuf';
  return type === TYPES.json ? 'json' : undefined;
}

const inflaters = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/** Decompresses the body. The result has the limit of any body. */
async function unpacked(request: FastifyRequest, most: number): Promise<Buffer> {
  const bytes = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return bytes;
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw refused(`Content-Encoding must be gzip or deflate, not ${encoding.slice(0, 80)}.`, 415);
  }
  try {
    return await inflaters[encoding](bytes, { maxOutputLength: most });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new DaisError('too_large', `The decompressed body is larger than ${most} bytes.`);
    }
    throw refused(`The body does not match Content-Encoding ${encoding}.`);
  }
}

function decode(bytes: Buffer, encoding: Encoding): Decoded {
  try {
    return encoding === 'json' ? decodeJson(bytes) : decodeProtobuf(bytes);
  } catch (error) {
    if (error instanceof TooManySpans) {
      throw refused(`A request can have at most ${MOST_SPANS} spans. Split the spans across several requests.`, 413);
    }
    if (error instanceof ProtobufError || error instanceof JsonError) {
      throw refused(`The body is not an ExportTraceServiceRequest: ${error.message}.`);
    }
    throw error;
  }
}

/** Assigns each resource to the experiment of the header, else of the resource, else to the default one. */
function byExperiment(
  resources: readonly ResourceSpans[],
  header: string | string[] | undefined,
): ReadonlyMap<string, ResourceSpans[]> {
  const groups = new Map<string, ResourceSpans[]>();
  for (const one of resources) {
    if (one.spans.length === 0) continue;
    const said = EXPERIMENT_ATTRIBUTES.map((key) => one.resource?.[key]).find((value) => value !== undefined);
    const own = typeof said === 'string' || typeof said === 'number' ? String(said) : DEFAULT_EXPERIMENT;
    const id = typeof header === 'string' && header !== '' ? header : own;
    if (!/^\d{1,18}$/.test(id)) throw refused(`"${id.slice(0, 80)}" is not an experiment id.`);
    const group = groups.get(id) ?? [];
    groups.set(id, group);
    group.push(one);
  }
  return groups;
}

/** gRPC codes, which the specification requires in the response. */
const GRPC: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  409: 10,
  413: 11,
  422: 3,
  429: 8,
  503: 14,
};

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): Promise<void> {
  const { status, message } = tellable(error);
  if (status === 500) log.error('a request failed', { error, requestId: request.id });
  if (error instanceof DaisError && error.retryable) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? 1))));
  }
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="dais"');
  // The rest of the request may still be on its way.
  if (status === 413 || status === 408) reply.header('connection', 'close');
  const encoding = encodingOf(request) ?? 'json';
  await reply
    .code(status)
    .type(TYPES[encoding])
    .send(statusBody(encoding, GRPC[status] ?? (status >= 500 ? 13 : 3), message));
}

/** Exporters try again after 429, 502, 503 and 504 only. */
function tellable(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof Refusal) return { status: error.status, message: error.message };
  if (error instanceof DaisError) {
    const { status, title } = errorCatalog[error.code];
    const locations = (error.issues ?? []).slice(0, 3).map(({ path = '', message }) => `${path} ${message}`);
    const message = [error.message === '' ? title : error.message, ...locations].join('; ');
    return { status: status === 500 || status < 500 ? status : 503, message };
  }
  const { statusCode, message } = error as { readonly statusCode?: number; readonly message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, message: message ?? 'Bad Request.' };
  }
  return { status: 500, message: 'Internal server error.' };
}
