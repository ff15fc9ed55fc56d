/** The protocol of Kubeflow Pipelines' clients, v2beta1: decode, call an operation, encode. No state, no SQL, no rule of the domain. */
import { DaisError, type Operation } from '@dais/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { Log } from '#lib/log.ts';
import { rpcError } from './kfp-errors.ts';
import { inProjects, projectsOf, withProject } from './projects.ts';
import { addressOf, BASE, routes } from './route-table.ts';
import type { CallOperation, Refusals, Route } from './route.ts';
import { bodyJson, parseMessage, queryJson } from './wire/parse.ts';
import { RpcError } from './wire/rpc-status.ts';

/** The part of the kernel that this door needs. */
export interface KfpCalls {
  readonly operations: readonly Operation[];
  call(name: string, input: unknown, context: CallContext): Promise<unknown>;
}

/** The part of the HTTP server that this door needs. */
export interface KfpIo {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  readBody(payload: FastifyRequest['raw']): Promise<Buffer>;
}

export interface KfpParts {
  readonly calls: KfpCalls;
  readonly log: Log;
}

const ORIGIN = 'kfp';
const JSON_TYPE = 'application/json';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** Groups of endpoints: all else below them is answered in the protocol's form. */
const GROUPS = ['experiments'].map((name) => `${BASE}/${name}`);

/** Says that a server is there: clients ask before anything else. */
export function kfpProbe() {
  return {
    name: 'kfp-probe',
    paths: [`${BASE}/healthz`],
    perProject: true,
    access: 'open',
    compress: false,
    register: (app: FastifyInstance) => {
      // A client that is told of several users looks for a namespace in a file that only pods have.
      app.get(`${BASE}/healthz`, async (_request, reply) => await reply.type(JSON_TYPE).send('{"multi_user":false}'));
    },
  } as const;
}

export function kfpDoor({ calls, log }: KfpParts) {
  const known = new Set(calls.operations.map((operation) => operation.name));
  return {
    name: 'kfp',
    paths: GROUPS.flatMap((group) => [group, `${group}/*`]),
    perProject: true,
    access: 'checked',
    dispatched: true,
    compress: true,
    register: (app: FastifyInstance, io: KfpIo) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser(
        '*',
        async (_request: FastifyRequest, payload: FastifyRequest['raw']) => await io.readBody(payload),
      );
      app.setErrorHandler(async (error, request, reply) => await sendError(error, request, reply, log));
      for (const route of routes) if (known.has(route.operation.name)) addRoute(app, io, calls, route);
      for (const group of GROUPS) addUnknown(app, `${group}/*`);
    },
  } as const;
}

function addRoute(app: FastifyInstance, io: KfpIo, calls: KfpCalls, route: Route): void {
  const { method, request: message } = route;
  app.route({
    method,
    url: addressOf(route),
    config: { operation: route.operation.name },
    handler: async (request, reply) => {
      const inQuery = method === 'GET' || method === 'DELETE';
      const start = request.url.indexOf('?');
      const json = inQuery
        ? queryJson(message, start === -1 ? '' : request.url.slice(start + 1))
        : bodyJson(request.body as Buffer | undefined);
      // An endpoint that takes nothing but what stands in its path does not look at a body.
      const sent = Object.keys(message).length === 0 ? {} : parseMessage(message, json);
      const { project, ...named } = request.params as Readonly<Record<string, string>>;
      const { values, projects } = projectsOf({ ...sent, ...named });
      const context = inProjects(io.contextOf(request, reply, ORIGIN), projects);
      const answer = await route.answer(values as never, caller(calls, context));
      const [named1] = projects;
      const shown = project === undefined && named1 !== undefined ? withProject(answer, named1) : answer;
      return await reply.type(JSON_TYPE).send(JSON.stringify(shown));
    },
  });
}

/** Calls operations for one request; what they refuse is told as the endpoint tells it. */
function caller(calls: KfpCalls, context: CallContext): CallOperation {
  return async (operation, input, refusals: Refusals = {}) => {
    try {
      // The kernel checks inputs by the operation's schema; outputs are the handlers' business.
      return (await calls.call(operation.name, input, context)) as never;
    } catch (error) {
      const refusal = error instanceof DaisError ? refusals[error.code] : undefined;
      throw refusal === undefined ? error : refusal(error as DaisError);
    }
  };
}

function addUnknown(app: FastifyInstance, url: string): void {
  app.route({
    method: [...METHODS],
    url,
    config: { operation: 'refusal' },
    // The body of a refused request is not read.
    onRequest: async ({ method, url: asked }) => {
      throw new RpcError(
        'NOT_FOUND',
        `There is no endpoint ${method} ${asked.replace(/\?.*$/s, '').slice(0, 200)} here.`,
      );
    },
    handler: () => undefined,
  });
}

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): Promise<void> {
  const told = tellable(error);
  if (told === undefined) log.error('a request failed', { error, requestId: request.id });
  const answer = told ?? new RpcError('INTERNAL', `Dais made a mistake. Request id: ${request.id}`);
  if (error instanceof DaisError && error.retryable) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? 1))));
  }
  if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="dais"');
  // The rest of the request may still be on its way.
  if (answer.status === 413 || answer.status === 408) reply.header('connection', 'close');
  await reply.code(answer.status).type(JSON_TYPE).send(JSON.stringify(answer.body()));
}

function tellable(error: unknown): RpcError | undefined {
  if (error instanceof RpcError) return error;
  if (error instanceof DaisError) return rpcError(error);
  // Of the HTTP framework: what it finds wrong with a request.
  const { statusCode: status, message } = error as { statusCode?: number; message?: string };
  if (status === undefined || status < 400 || status >= 500) return undefined;
  return new RpcError('INVALID_ARGUMENT', message ?? 'Bad Request.', { status, cause: error });
}
