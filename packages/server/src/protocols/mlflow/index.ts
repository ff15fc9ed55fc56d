/** The protocol of MLflow's clients: decode, call an operation, encode. No state, no SQL, no rule of the domain. */
import { DaisError, type Operation } from '@dais/api';
import { readArtifactOperation, readRunOperation, readTracesOperation } from '@dais/api/tracking';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { Log } from '#lib/log.ts';
import { whyAbsent } from './absent-endpoints.ts';
import { addArtifactRoutes, type ArtifactIo } from './artifacts/artifact-transfer.ts';
import { addGraphql, GRAPHQL_PATH } from './graphql/graphql-route.ts';
import { mlflowError } from './mlflow-errors.ts';
import { addMultipartRoutes } from './artifacts/multipart-transfer.ts';
import { addPageFiles } from './artifacts/ui-files.ts';
import { addTraceFiles } from './artifacts/trace-files.ts';
import { addressesOf, routes } from './route-table.ts';
import type { CallOperation, Refusals, Route } from './route.ts';
import { parseMessage } from './wire/parse.ts';
import { MlflowError } from './wire/mlflow-error.ts';
import { bodyJson, numberSource, queryJson, requireJsonType, type Json } from './wire/request-json.ts';

export { mlflowDataset, mlflowStep, mlflowStepTags } from './step-variables.ts';
export { mlflowWebhooks } from './webhooks/webhook-format.ts';

/** The part of the kernel that the adapter needs. */
export interface MlflowCalls {
  readonly operations: readonly Operation[];
  call(name: string, input: unknown, context: CallContext): Promise<unknown>;
}

/** The part of the HTTP server that the adapter needs. */
export interface MlflowIo extends ArtifactIo {
  readBody(payload: FastifyRequest['raw'], options: { readonly inflate: boolean }): Promise<Buffer>;
}

export interface MlflowDependencies {
  readonly calls: MlflowCalls;
  readonly log: Log;
}

/** The version that clients see: the newest MLflow version whose client is tested with this adapter. */
const MLFLOW_VERSION = '3.18.0';

const JSON_TYPE = 'application/json';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** Groups of endpoints that Dais implements or could implement: unknown paths below them get an MLflow error. */
const GROUPS = [
  '/api/2.0/mlflow',
  '/api/2.0/mlflow-artifacts',
  '/api/3.0/mlflow',
  '/api/4.0/mlflow',
  '/api/5.0/mlflow',
  '/ajax-api',
] as const;
/** Where MLflow's own pages download from. */
const DOWNLOADS = ['/get-artifact', '/model-versions/get-artifact'] as const;

/** Health check and version: MLflow clients request them before they have a credential. */
export function mlflowProbes() {
  return {
    name: 'mlflow-probes',
    paths: ['/health', '/version'],
    perProject: true,
    access: 'open',
    compress: false,
    register: (app: FastifyInstance) => {
      app.get('/health', async (_request, reply) => await reply.type('text/html; charset=utf-8').send('OK'));
      app.get('/version', async (_request, reply) => await reply.type('text/html; charset=utf-8').send(MLFLOW_VERSION));
    },
  } as const;
}

export function mlflowAdapter({ calls, log }: MlflowDependencies) {
  const known = new Set(calls.operations.map((operation) => operation.name));
  const served = routes.filter((route) => known.has(route.operation.name));
  return {
    name: 'mlflow',
    paths: [...GROUPS.map((group) => `${group}/*`), ...DOWNLOADS, GRAPHQL_PATH],
    perProject: true,
    // A workspace is a project.
    projectHeader: 'x-mlflow-workspace',
    access: 'checked',
    dispatched: true,
    compress: true,
    register: async (app: FastifyInstance, io: MlflowIo) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser(
        '*',
        async (_request: FastifyRequest, payload: FastifyRequest['raw']) =>
          await io.readBody(payload, { inflate: true }),
      );
      app.setErrorHandler(async (error, request, reply) => await sendError(error, request, reply, log));
      for (const route of served) addRoute(app, io, calls, route);
      if (known.has(readRunOperation.name)) addGraphql(app, io, served, (context) => caller(calls, context));
      if (known.has(readArtifactOperation.name)) {
        const callerOf = (context: CallContext) => caller(calls, context);
        await addArtifactRoutes(app, io, callerOf);
        addMultipartRoutes(app, io, callerOf);
        await addPageFiles(app, io, callerOf);
        if (known.has(readTracesOperation.name)) addTraceFiles(app, io, callerOf);
      }
      for (const group of GROUPS) addUnknown(app, `${group}/*`);
    },
  } as const;
}

function addRoute(app: FastifyInstance, io: MlflowIo, calls: MlflowCalls, route: Route): void {
  const { method, request: message } = route;
  const named = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? '');
  for (const url of addressesOf(route)) {
    app.route({
      method,
      url,
      config: { operation: route.operation.name },
      handler: async (request, reply) => {
        const json = await jsonOf(request, route, io);
        const params = request.params as Readonly<Record<string, string>>;
        const values = parseMessage(
          message,
          named.length === 0 ? json : { ...json, ...Object.fromEntries(named.map((name) => [name, params[name]])) },
          (name) => (Buffer.isBuffer(request.body) ? numberSource(request.body, name) : undefined),
        );
        const context = io.contextOf(request, reply, 'mlflow');
        const answer = await route.answer(values, caller(calls, context));
        return await reply.type(JSON_TYPE).send(JSON.stringify(answer, undefined, route.long === true ? 0 : 2));
      },
    });
  }
}

async function jsonOf(request: FastifyRequest, { method, request: message }: Route, io: MlflowIo): Promise<Json> {
  const start = request.url.indexOf('?');
  if (method === 'GET' && start !== -1 && start < request.url.length - 1) {
    return queryJson(message, request.url.slice(start + 1));
  }
  if (method === 'POST') requireJsonType(request.headers['content-type']);
  // The HTTP framework reads no body of a GET; old clients send one.
  const bytes = method === 'GET' ? await getBody(request, io) : (request.body as Buffer | undefined);
  return bytes === undefined ? {} : bodyJson(bytes);
}

async function getBody(request: FastifyRequest, io: MlflowIo): Promise<Buffer | undefined> {
  const { headers } = request;
  const sent = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return sent ? await io.readBody(request.raw, { inflate: true }) : undefined;
}

/** Calls operations for one request and maps their errors to the errors of the endpoint. */
function caller(calls: MlflowCalls, context: CallContext): CallOperation {
  return async (operation, input, refusals: Refusals = {}) => {
    try {
      // The kernel checks inputs by the operation's schema; outputs are the handlers' business.
      return (await calls.call(operation.name, input, context)) as never;
    } catch (error) {
      if (!(error instanceof DaisError)) throw error;
      const refusal = refusals[error.code];
      if (refusal === undefined) throw error;
      throw refusal({ message: error.message, issues: error.issues ?? [] });
    }
  };
}

/** Unsupported features return errors that make clients fall back to the behavior of earlier versions. */
function addUnknown(app: FastifyInstance, url: string): void {
  app.route({
    method: [...METHODS],
    url,
    config: { operation: 'refusal' },
    // The body of a refused request is not read.
    onRequest: async (request) => {
      throw new MlflowError('ENDPOINT_NOT_FOUND', notHere(request));
    },
    handler: () => undefined,
  });
}

function notHere({ method, url }: FastifyRequest): string {
  const path = url.replace(/\?.*$/s, '').slice(0, 200);
  const reason = whyAbsent(path);
  return `Dais does not implement the endpoint ${method} ${path}${reason === undefined ? '.' : `: ${reason}.`}`;
}

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): Promise<void> {
  const reported = tellable(error, request);
  if (reported === undefined) log.error('a request failed', { error, requestId: request.id });
  const answer = reported ?? new MlflowError('INTERNAL_ERROR', `Internal server error. Request id: ${request.id}`);
  if (error instanceof DaisError && error.retryable) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? 1))));
  }
  if (answer.status === 401) reply.header('www-authenticate', 'Basic realm="mlflow"');
  // The rest of the request may still be on its way.
  if (answer.status === 413 || answer.status === 408) reply.header('connection', 'close');
  await reply.code(answer.status).type(JSON_TYPE).send(JSON.stringify(answer.body()));
}

function tellable(error: unknown, request: FastifyRequest): MlflowError | undefined {
  if (error instanceof MlflowError) return error;
  // The URL belongs to another service.
  if (error instanceof DaisError && error.code === 'method_not_allowed') {
    return new MlflowError('ENDPOINT_NOT_FOUND', notHere(request), { status: 405, cause: error });
  }
  if (error instanceof DaisError) return mlflowError(error);
  // Of the HTTP framework: what it finds wrong with a request.
  const { statusCode: status, message } = error as { statusCode?: number; message?: string };
  if (status === undefined || status < 400 || status >= 500) return undefined;
  return new MlflowError('BAD_REQUEST', message ?? 'Bad Request.', { status, cause: error });
}
