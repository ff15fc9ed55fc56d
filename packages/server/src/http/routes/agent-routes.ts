/**
 * The calls of the agents of tasks on other machines: `/internal/tasks/TARGET/PROJECT/…`. Their credential is the token of a pod, or the session that
 * Dais returned for it, which the engine of the target verifies. Bodies are bytes in both directions, of any size, and are never held in memory completely.
 */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AgentCall, AgentReply } from '#engines/compute/model/target.ts';
import type { RouteGroup, RouteServices } from '#http/server/route-group.ts';

export interface AgentRouteDependencies {
  /**
   * Answers a call; undefined when there is no such target or project. Absent: this process has no targets.
   * @throws DaisError
   */
  readonly handle?: (
    address: { readonly target: string; readonly project: string },
    call: AgentCall,
  ) => Promise<AgentReply | undefined>;
}

const ROOT = '/internal/tasks';
const UID = /^[0-9a-f-]{36}$/;
/** A response of which the agent takes no byte for so long ends: the agent itself gives up a transfer after this time. */
const SILENCE_MS = 300_000;

export function agentRoutes({ handle }: AgentRouteDependencies): RouteGroup {
  return {
    name: 'agents',
    paths: [`${ROOT}/*`],
    perProject: false,
    access: 'agent',
    compress: false,
    register: (app, io) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      app.route({
        method: ['GET', 'POST', 'PUT'],
        url: `${ROOT}/:target/:project/*`,
        exposeHeadRoute: false,
        config: { operation: 'agent' },
        bodyLimit: Number.MAX_SAFE_INTEGER,
        handler: async (request, reply) => {
          // Beats wait, and transfers take as long as their bytes.
          request.streaming = true;
          const { target = '', project = '' } = request.params as Readonly<Record<string, string>>;
          const isUid = UID.test(target) && UID.test(project);
          const body = io.readContent(request.raw);
          try {
            const call: AgentCall = { ...callOf(request), body, signal: signalOf(reply, io) };
            const answer = isUid ? await handle?.({ target, project }, call) : undefined;
            if (answer === undefined) throw new DaisError('not_found', 'There is no such target or project.');
            return await send(reply, answer);
          } finally {
            body.destroy();
          }
        },
      });
    },
  };
}

function callOf({ method, url, headers }: FastifyRequest): Pick<AgentCall, 'method' | 'path' | 'token'> {
  return {
    method,
    path: `/${url
      .split('/')
      .slice(ROOT.split('/').length + 2)
      .join('/')}`,
    token: /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '',
  };
}

function signalOf({ raw }: FastifyReply, { draining }: RouteServices): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (draining.aborted) abort();
  draining.addEventListener('abort', abort);
  raw.once('close', () => {
    draining.removeEventListener('abort', abort);
    abort();
  });
  return controller.signal;
}

async function send(reply: FastifyReply, { status, json, bytes }: AgentReply): Promise<unknown> {
  reply.code(status).header('cache-control', 'no-store');
  if (json !== undefined) return await reply.type('application/json; charset=utf-8').send(JSON.stringify(json));
  if (bytes === undefined) return await reply.send();
  reply.raw.setTimeout(SILENCE_MS, () => reply.raw.destroy());
  return await reply.type('application/octet-stream').send(watched(bytes));
}

/** An error of the bytes that arrives before the framework reads them is for the framework, not for the process. */
function watched(bytes: Readable): Readable {
  return bytes.on('error', () => {});
}
