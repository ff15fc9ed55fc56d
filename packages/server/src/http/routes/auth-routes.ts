/**
 * The HTTP routes of the operations below `/auth/`. They differ from the native API only in that they set cookies,
 * redirect, and accept form bodies.
 */
import { DaisError, type Operation } from '@dais/api';
import { receiveSamlOperation } from '@dais/api/access';
import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readBody } from '#http/request/body-reader.ts';
import { decodeText, parseJson } from '#http/request/body-text.ts';
import type { RouteGroup, RouteServices } from '#http/server/route-group.ts';
import type { OperationCalls } from '#http/routes/native-routes.ts';
import { sendPage } from '#http/pages/html-page.ts';
import { accepts } from '#http/request/negotiation.ts';
import { OperationInput, parseQuery } from '#http/request/operation-input.ts';
import { expectedError } from '#http/server/problem-replies.ts';
import { signInFailedPage } from '#http/pages/error-pages.ts';
import type { Clock } from '#lib/clock.ts';
import { cookieName, cookieText, cookieValue } from '#lib/http/cookies.ts';
import type { AuthResult } from '#policy/auth-result.ts';

export interface AuthRoutesOptions {
  readonly calls: Pick<OperationCalls, 'operations' | 'call'>;
  readonly clock: Clock;
  /** The public URL is HTTPS even if the server receives plain HTTP. */
  readonly behindHttps: boolean;
}

/** Longer than any duration of a sign-in. */
const BODY_BYTES = 65_536;
/** A SAML response with a thousand groups. */
const RESPONSE_BYTES = 262_144;

export function authRoutes(options: AuthRoutesOptions): RouteGroup {
  const own = options.calls.operations.filter((operation) => operation.http.path.startsWith('/auth/'));
  return {
    name: 'auth',
    paths: ['/auth/*'],
    perProject: false,
    access: 'anonymous',
    compress: false,
    register: (app, io) => {
      const limitsOf = ({ fromOtherSites }: FastifyContextConfig) => ({
        ...io.limits,
        bodyBytes: Math.min(io.limits.bodyBytes, fromOtherSites === true ? RESPONSE_BYTES : BODY_BYTES),
      });
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', async (request: FastifyRequest, payload: FastifyRequest['raw']) =>
        decodeBody(
          request.headers['content-type'] ?? '',
          await readBody(payload, limitsOf(request.routeOptions.config), options.clock),
        ),
      );
      app.setErrorHandler(async (error, request, reply) => {
        const reported = expectedError(error);
        const byBrowser =
          request.method === 'GET' && accepts(request.headers.accept ?? '', 'text/html', { exactly: true });
        // The server reports it like every error.
        if (reported === undefined || !byBrowser) throw error;
        return await sendPage(reply.code(reported.status), signInFailedPage(reported, io.address.basePath));
      });
      for (const operation of own) addRoute(app, io, options, operation);
    },
  };
}

function addRoute(app: FastifyInstance, io: RouteServices, options: AuthRoutesOptions, operation: Operation): void {
  const input = new OperationInput(operation);
  const { method, path, status, cookies = {} } = operation.http;
  app.route({
    method,
    url: path,
    // A page of the identity provider sends the response: its signature authenticates it, not a cookie.
    config: {
      operation: operation.name,
      ...(operation.name === receiveSamlOperation.name && { fromOtherSites: true }),
    },
    handler: async (request, reply) => {
      const secure = request.protocol === 'https' || options.behindHttps;
      const value = input.build({
        params: request.params as Record<string, string>,
        query: queryOf(request.url),
        body: request.body,
        ifMatch: undefined,
      });
      for (const [name, field] of Object.entries(cookies)) {
        // Only the cookie of the browser sets it, never a body or a query.
        const held = cookieValue(request.headers.cookie, cookieName(name, secure));
        if (held === undefined) delete value[field];
        else value[field] = held;
      }
      const answer = (await options.calls.call(
        operation.name,
        value,
        io.contextOf(request, reply, 'manifest'),
      )) as AuthResult;
      // Redirect forms and links; a client that sends JSON receives JSON.
      const { redirect, ...rest } = answer;
      const body = redirect === undefined || isJson(request.headers['content-type'] ?? '') ? rest : answer;
      return await send(reply, body, { status, secure, basePath: io.address.basePath });
    },
  });
}

async function send(
  reply: FastifyReply,
  { body, cookies = [], redirect, document }: AuthResult,
  { status, secure, basePath }: { readonly status: number; readonly secure: boolean; readonly basePath: string },
): Promise<FastifyReply> {
  reply.header('cache-control', 'no-store');
  const texts = cookies.map((cookie) => cookieText(cookie, secure));
  if (texts.length > 0) reply.header('set-cookie', texts);
  if (redirect !== undefined) {
    // 303: the browser continues with GET, whatever the method was.
    return await reply.redirect(redirect.startsWith('/') ? `${basePath}${redirect}` : redirect, 303);
  }
  if (document !== undefined) return await reply.code(status).type(document.type).send(document.text);
  return await reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

function mediaType(header: string): string {
  return header.split(';')[0]?.trim().toLowerCase() ?? '';
}

function isJson(header: string): boolean {
  return mediaType(header) === 'application/json';
}

/** @throws DaisError `unsupported_media_type`, `not_utf8`, `unreadable_body`, `invalid_request`. */
function decodeBody(header: string, bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const type = mediaType(header);
  if (isJson(header)) return parseJson(decodeText(bytes));
  if (type === 'application/x-www-form-urlencoded') return formFields(decodeText(bytes));
  throw new DaisError(
    'unsupported_media_type',
    `${type === '' ? 'The request has no Content-Type' : `The Content-Type ${type.slice(0, 80)} is not supported`}. Send application/json or application/x-www-form-urlencoded.`,
  );
}

function formFields(text: string): Record<string, string> {
  return Object.fromEntries(
    [...parseQuery(text)].map(([name, values]) => {
      if (values.length === 1) return [name, values[0] ?? ''];
      throw new DaisError('invalid_request', `The form contains "${name.slice(0, 80)}" ${values.length} times.`);
    }),
  );
}

function queryOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start + 1);
}
