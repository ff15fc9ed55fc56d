/** SCIM 2.0 (RFC 7643, RFC 7644): identity providers provision users and groups. */
import { DaisError, type Operation } from '@dais/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { Log } from '#lib/log.ts';
import { InvalidFilter, parseFilter } from '#lib/scim/filter.ts';
import { groupRoutes } from './group-routes.ts';
import { listResponse } from './list-response.ts';
import { etagOf } from './present.ts';
import { readJson } from './request.ts';
import type { ScimRequest, ScimResponse, ScimRoute } from './route.ts';
import { rootSearchRoute } from './root-search.ts';
import { ScimError, scimError } from './scim-error.ts';
import { resourceTypes, schemaDocuments, serviceProviderConfig } from './service-documents.ts';
import { BASE } from './urns.ts';
import { userRoutes } from './user-routes.ts';

export interface ScimDependencies {
  readonly calls: {
    readonly operations: readonly Operation[];
    call(name: string, input: unknown, context: CallContext): Promise<unknown>;
  };
  readonly log: Log;
}

/** The part of the HTTP server that the adapter needs. */
interface ScimIo {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  readBody(payload: FastifyRequest['raw']): Promise<Buffer>;
  readonly address: { readonly origin: string | undefined; readonly basePath: string };
}

const MEDIA_TYPE = 'application/scim+json; charset=utf-8';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export function scimAdapter({ calls, log }: ScimDependencies) {
  const known = new Set(calls.operations.map(({ name }) => name));
  return {
    name: 'scim',
    paths: [`${BASE}/*`],
    perProject: false,
    access: 'checked',
    dispatched: true,
    compress: true,
    register: (app: FastifyInstance, io: ScimIo) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser(
        '*',
        async (_request: FastifyRequest, payload: FastifyRequest['raw']) => await io.readBody(payload),
      );
      app.setErrorHandler(async (error, request, reply) => await sendError(error, request, reply, log));
      for (const route of [...userRoutes, ...groupRoutes, rootSearchRoute])
        if (known.has(route.operation.name)) addRoute(app, io, calls, route);
      addDiscovery(app, io);
      addRefusals(app);
    },
  } as const;
}

function addRoute(app: FastifyInstance, io: ScimIo, calls: ScimDependencies['calls'], route: ScimRoute): void {
  app.route({
    method: route.method,
    url: `${BASE}${route.path}`,
    config: { operation: route.operation.name },
    handler: async (request, reply) => {
      const context = io.contextOf(request, reply, 'scim');
      const query = queryOf(request);
      checkFilter(query.get('filter'));
      const scim: ScimRequest = {
        id: (request.params as { readonly id?: string }).id ?? '',
        query,
        ifMatch: request.headers['if-match'],
        base: baseOf(request, io),
        body: () => readJson(request.body as Buffer | undefined, request.headers['content-type']),
        call: async (operation, input) => (await calls.call(operation.name, input, context)) as never,
      };
      return await send(request, reply, await route.answer(scim));
    },
  });
}

/** An error of the filter has its own type. */
function checkFilter(text: string | null): void {
  if (text === null || text.trim() === '') return;
  try {
    parseFilter(text);
  } catch (error) {
    if (!(error instanceof InvalidFilter)) throw error;
    throw new ScimError(400, `The filter is not valid. ${error.message}`, 'invalidFilter', error);
  }
}

async function send(request: FastifyRequest, reply: FastifyReply, answer: ScimResponse): Promise<FastifyReply> {
  const { status, body, version, location } = answer;
  reply.header('cache-control', 'private, no-cache');
  if (location !== undefined) reply.header('location', location);
  if (version !== undefined) {
    reply.header('etag', etagOf(version));
    const seen = request.headers['if-none-match'];
    if (request.method === 'GET' && seen !== undefined && seen.includes(`"${version}"`))
      return await reply.code(304).send();
  }
  if (body === undefined) return await reply.code(status).send();
  return await reply.code(status).type(MEDIA_TYPE).send(JSON.stringify(body));
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}

function baseOf({ protocol, host }: FastifyRequest, { address }: ScimIo): string {
  return `${address.origin ?? `${protocol}://${host}`}${address.basePath}${BASE}`;
}

/** What the adapter supports: the same for every caller. */
function addDiscovery(app: FastifyInstance, io: ScimIo): void {
  const answer = async (reply: FastifyReply, body: object) => await reply.type(MEDIA_TYPE).send(JSON.stringify(body));
  const config = { operation: 'discovery' };
  app.get(`${BASE}/ServiceProviderConfig`, { config }, async (request, reply) => {
    return await answer(reply, serviceProviderConfig(baseOf(request, io)));
  });
  for (const [path, documents] of [
    ['ResourceTypes', resourceTypes],
    ['Schemas', schemaDocuments],
  ] as const) {
    app.get(`${BASE}/${path}`, { config }, async (request, reply) => {
      // A filter here must be refused (RFC 7644, section 4).
      if (queryOf(request).has('filter')) throw new ScimError(403, `${path} cannot be filtered.`);
      const all = documents(baseOf(request, io));
      return await answer(reply, listResponse(all, all.length, 1));
    });
    app.get(`${BASE}/${path}/:id`, { config }, async (request, reply) => {
      const { id } = request.params as { readonly id: string };
      const found = documents(baseOf(request, io)).find((one) => one.id.toLowerCase() === id.toLowerCase());
      if (found === undefined) throw new ScimError(404, `${path} has no "${id.slice(0, 200)}".`);
      return await answer(reply, found);
    });
  }
}

function addRefusals(app: FastifyInstance): void {
  const refuse = (method: 'POST' | readonly (typeof METHODS)[number][], path: string, error: () => ScimError) =>
    app.route({
      method: typeof method === 'string' ? method : [...method],
      url: `${BASE}/${path}`,
      config: { operation: 'refusal' },
      // The body of a rejected request is not read.
      onRequest: async () => {
        throw error();
      },
      handler: () => undefined,
    });
  refuse('POST', 'Bulk', () => new ScimError(501, 'Bulk requests are not supported. Send single requests.'));
  refuse(METHODS, 'Me', () => new ScimError(501, 'A token of a service account represents no user.'));
  refuse(METHODS, '*', () => new ScimError(404, 'There is no such endpoint.'));
}

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): Promise<void> {
  const known = publicError(error);
  if (known === undefined) log.error('a request failed', { error, requestId: request.id });
  const answer =
    known ?? new ScimError(500, `Internal server error. The log of the server has details under ${request.id}.`);
  if (error instanceof DaisError && error.retryable) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? 1))));
  }
  if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="dais"');
  // The rest of the request may not have arrived yet.
  if (answer.status === 413 || answer.status === 408) reply.header('connection', 'close');
  await reply.code(answer.status).type(MEDIA_TYPE).send(JSON.stringify(answer.body()));
}

function publicError(error: unknown): ScimError | undefined {
  if (error instanceof ScimError) return error;
  if (error instanceof DaisError) {
    const isFilter = error.issues?.some(({ path }) => path === 'filter') === true;
    return isFilter ? new ScimError(400, error.message, 'invalidFilter', error) : scimError(error);
  }
  // An error of the HTTP framework about the request.
  const { statusCode: status, message } = error as { statusCode?: number; message?: string };
  if (status === undefined || status < 400 || status >= 500) return undefined;
  return new ScimError(status, message ?? 'Bad Request.', 'invalidSyntax', error);
}
