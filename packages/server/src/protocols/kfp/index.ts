/** The v2beta1 API of Kubeflow Pipelines: decodes requests, calls operations, and encodes responses. */
import { Readable } from 'node:stream';
import { DaisError, type Operation } from '@dais/api';
import { createPipelineVersionOperation, readExecutionFileOperation } from '@dais/api/executions';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { Log } from '#lib/log.ts';
import { unsupportedReason } from './unsupported-endpoints.ts';
import { addArtifacts } from './routes/artifact-routes.ts';
import { rpcError } from './kfp-errors.ts';
import { inProjects, projectsOf, withProject } from './projects.ts';
import { addressOf, BASE, routes } from './route-table.ts';
import type { RespondFor, CallOperation, Refusals, Route } from './route.ts';
import { addUploads } from './routes/upload-routes.ts';
import { bodyJson, parseMessage, queryJson } from './wire/parse.ts';
import { RpcError } from './wire/rpc-status.ts';

/** The part of the kernel that the adapter needs. */
export interface KfpCalls {
  readonly operations: readonly Operation[];
  call(name: string, input: unknown, context: CallContext): Promise<unknown>;
}

/** The part of the HTTP server that the adapter needs. */
export interface KfpIo {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  readBody(payload: FastifyRequest['raw']): Promise<Buffer>;
}

export interface KfpDependencies {
  readonly calls: KfpCalls;
  readonly log: Log;
}

const ORIGIN = 'kfp';
const JSON_TYPE = 'application/json';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** Groups of endpoints. Unknown paths below them get errors in the format of the protocol. */
const GROUPS = ['experiments', 'pipelines', 'runs', 'recurringruns'].map((name) => `${BASE}/${name}`);

/** Health endpoint, which clients call first. */
export function kfpProbe() {
  return {
    name: 'kfp-probe',
    paths: [`${BASE}/healthz`],
    perProject: true,
    access: 'open',
    compress: false,
    register: (app: FastifyInstance) => {
      // In multi-user mode, a client reads its namespace from a file that only pods have.
      app.get(`${BASE}/healthz`, async (_request, reply) => await reply.type(JSON_TYPE).send('{"multi_user":false}'));
    },
  } as const;
}

export function kfpAdapter({ calls, log }: KfpDependencies) {
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
      const respond = respondFor(io, calls);
      for (const route of routes) if (known.has(route.operation.name)) addRoute(app, respond, route);
      if (known.has(createPipelineVersionOperation.name)) addUploads(app, respond);
      if (known.has(readExecutionFileOperation.name)) addArtifacts(app, respond);
      for (const group of GROUPS) addUnknown(app, `${group}/*`);
    },
  } as const;
}

function addRoute(app: FastifyInstance, respond: RespondFor, route: Route): void {
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
      // An endpoint whose request has only path fields ignores the body.
      const sent = Object.keys(message).length === 0 ? {} : parseMessage(message, json);
      const named = request.params as Readonly<Record<string, string>>;
      return await respond(request, reply)(
        { ...sent, ...named },
        async (values, call) => await route.answer(values as never, call),
      );
    },
  });
}

function respondFor(io: KfpIo, calls: KfpCalls): RespondFor {
  return (request, reply) => async (given, answer) => {
    const { values, projects } = projectsOf(given);
    const context = inProjects(io.contextOf(request, reply, ORIGIN), projects);
    const result = await answer(values, caller(calls, context));
    const [named] = projects;
    const inAddress = request.projectInAddress !== undefined;
    const body = inAddress || named === undefined ? result : withProject(result, named);
    return await reply.type(JSON_TYPE).send(body instanceof Readable ? body : JSON.stringify(body));
  };
}

/** Calls operations for one request, and maps their errors to those of the endpoint. */
function caller(calls: KfpCalls, context: CallContext): CallOperation {
  return async (operation, input, refusals: Refusals = {}) => {
    try {
      // The kernel validates inputs with the schema of the operation.
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
    // The body of a rejected request is not read.
    onRequest: async (request) => {
      throw new RpcError('NOT_FOUND', notHere(request));
    },
    handler: () => undefined,
  });
}

function notHere({ method, url }: FastifyRequest): string {
  const path = url.replace(/\?.*$/s, '').slice(0, 200);
  const reason = unsupportedReason(method, path.slice(path.indexOf(BASE) + BASE.length));
  return `Endpoint ${method} ${path} is not supported${reason === undefined ? '.' : `: ${reason}.`}`;
}

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): Promise<void> {
  const known = publicError(error);
  if (known === undefined) log.error('a request failed', { error, requestId: request.id });
  const answer =
    known ??
    new RpcError(
      'INTERNAL',
      `Internal server error. The log of the server has details under the request id ${request.id}.`,
    );
  if (error instanceof DaisError && error.retryable) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? 1))));
  }
  if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="dais"');
  // The rest of the request may not have arrived yet.
  if (answer.status === 413 || answer.status === 408) reply.header('connection', 'close');
  await reply.code(answer.status).type(JSON_TYPE).send(JSON.stringify(answer.body()));
}

function publicError(error: unknown): RpcError | undefined {
  if (error instanceof RpcError) return error;
  if (error instanceof DaisError) return rpcError(error);
  // An error of the HTTP framework about the request.
  const { statusCode: status, message } = error as { statusCode?: number; message?: string };
  if (status === undefined || status < 400 || status >= 500) return undefined;
  return new RpcError('INVALID_ARGUMENT', message ?? 'Bad Request.', { status, cause: error });
}
