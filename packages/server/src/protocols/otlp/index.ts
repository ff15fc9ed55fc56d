/** OpenTelemetry's protocol over HTTP, as any exporter sends it: `POST /v1/traces`, `/v1/metrics` and `/v1/logs`. */
import { addRunMessagesOperation, logRunOperation, logSpansOperation } from '@dais/api/tracking';
import type { Operation } from '@dais/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { Log } from '#lib/log.ts';
import { answerBody, type Rejections, type RejectedField } from './encode.ts';
import { MEDIA_TYPES, receivedBody, sendError } from './otlp-http.ts';
import { receiveLogs } from './receive-logs.ts';
import { receiveMetrics } from './receive-metrics.ts';
import { receiveSpans } from './receive-spans.ts';
import type { ReceivedRequest } from './received-request.ts';

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

interface Signal {
  readonly path: `/v1/${string}`;
  readonly operation: Operation;
  readonly rejectedField: RejectedField;
  /** Stores the items of a request. @throws Refusal, DaisError if it stores none of them */
  readonly receive: (request: ReceivedRequest) => Promise<Rejections>;
}

const signals: readonly Signal[] = [
  { path: '/v1/traces', operation: logSpansOperation, rejectedField: 'rejectedSpans', receive: receiveSpans },
  { path: '/v1/metrics', operation: logRunOperation, rejectedField: 'rejectedDataPoints', receive: receiveMetrics },
  { path: '/v1/logs', operation: addRunMessagesOperation, rejectedField: 'rejectedLogRecords', receive: receiveLogs },
];

export function otlpAdapter({ calls, log }: OtlpDependencies) {
  return {
    name: 'otlp',
    paths: signals.map(({ path }) => path),
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
      for (const { path, operation, rejectedField, receive } of signals) {
        app.post(path, { config: { operation: operation.name } }, async (request, reply) => {
          const body = await receivedBody(request, io.limits.bodyBytes);
          const context = io.contextOf(request, reply, 'otlp');
          const rejections = await receive({
            ...body,
            headers: request.headers,
            call: async ({ name }, input) => await calls.call(name, input, context),
          });
          return await reply
            .type(MEDIA_TYPES[body.encoding])
            .send(answerBody(body.encoding, rejectedField, rejections));
        });
      }
    },
  } as const;
}
