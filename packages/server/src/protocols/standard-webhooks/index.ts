/** Standard Webhooks, as a receiver: `POST /hooks/NAME` starts a run of the Schedule NAME. https://www.standardwebhooks.com */
import { DaisError, type Operation } from '@dais/api';
import { callScheduleOperation } from '@dais/api/executions';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';

export interface HooksDependencies {
  readonly calls: {
    readonly operations: readonly Operation[];
    call(name: string, input: unknown, context: CallContext): Promise<unknown>;
  };
}

/** The part of the HTTP server that the adapter needs. */
interface HooksIo {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  readBody(payload: FastifyRequest['raw']): Promise<Buffer>;
}

export function standardWebhooksAdapter({ calls }: HooksDependencies) {
  return {
    name: 'hooks',
    paths: ['/hooks/*'],
    perProject: true,
    // The signature authenticates the caller.
    access: 'anonymous',
    compress: false,
    register: (app: FastifyInstance, io: HooksIo) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser(
        '*',
        async (_request: FastifyRequest, payload: FastifyRequest['raw']) => await io.readBody(payload),
      );
      app.route({
        method: 'POST',
        url: '/hooks/:name',
        config: { operation: callScheduleOperation.name },
        handler: async (request, reply) => {
          const { name } = request.params as { readonly name: string };
          const input = {
            name,
            id: header(request, 'webhook-id'),
            timestamp: Number(header(request, 'webhook-timestamp')),
            signature: header(request, 'webhook-signature'),
            body: ((request.body as Buffer | undefined) ?? Buffer.alloc(0)).toString('utf8'),
          };
          const answer = await calls.call(callScheduleOperation.name, input, io.contextOf(request, reply, 'hooks'));
          return await reply.code(202).type('application/json; charset=utf-8').send(JSON.stringify(answer));
        },
      });
    },
  } as const;
}

function header(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new DaisError(
    'invalid_request',
    `The header ${name} is missing. Sign the request as Standard Webhooks defines.`,
    {
      issues: [{ path: `headers.${name}`, message: 'is required' }],
    },
  );
}
