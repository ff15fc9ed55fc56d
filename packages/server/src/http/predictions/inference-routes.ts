/**
 * Forwards prediction requests of the main port: authenticates the caller here, and streams the bytes to the gateway.
 * The gateway's own port serves the same paths without this process.
 */
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { RouteGroup, RouteServices } from '#http/server/route-group.ts';
import { encodeVisible, VISIBLE_HEADER } from '#lib/formats/visible-names.ts';
import { gatewayEnded, notServing } from './gateway-errors.ts';
import { HOP_HEADERS } from './forwarded-headers.ts';
import type { OperationCalls } from '#http/routes/native-routes.ts';

/** The address of the gateway, and the token of this process there. */
export interface GatewayLocation {
  readonly host: string;
  readonly port: number | undefined;
  readonly token: string;
}

export interface InferenceRoutesOptions {
  readonly calls: Pick<OperationCalls, 'call'>;
  readonly gateway: GatewayLocation;
}

/** Node accepts headers of up to 16 KiB; the other headers of the request need a part of it. */
const MOST_VISIBLE_BYTES = 10 * 1024;
/** Smaller bodies are sent again if a kept connection turns out to be closed; larger ones use a new connection. */
const RESENT_BYTES = 1 << 20;
export function inferenceRoutes({ calls, gateway }: InferenceRoutesOptions): RouteGroup {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  return {
    name: 'inference',
    paths: ['/v2', '/v2/*', '/endpoints/*', '/v1/models/*'],
    perProject: true,
    projectHeader: 'dais-project',
    access: 'checked',
    compress: false,
    register: (app, io) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', (_request, _payload, done) => done(null));
      const handle = async (request: FastifyRequest, reply: FastifyReply) =>
        await forward({ calls, gateway, agent, io }, request, reply);
      for (const url of ['/v2', '/v2/*', '/endpoints/*', '/v1/models/*']) {
        app.route({ method: ['GET', 'POST'], url, config: { operation: 'endpoint.invoke' }, handler: handle });
      }
    },
  };
}

interface Forwarding extends InferenceRoutesOptions {
  readonly agent: Agent;
  readonly io: RouteServices;
}

async function forward({ calls, gateway, agent, io }: Forwarding, request: FastifyRequest, reply: FastifyReply) {
  const context = io.contextOf(request, reply, 'inference');
  const endpoint = endpointOf(request.url);
  if (endpoint !== undefined) await calls.call('endpoint.invoke', { endpoint }, context);
  const visible = endpoint === undefined && !isAboutServer(request.url) ? await visibleTo(calls, context) : undefined;
  const { port, host, token } = gateway;
  if (port === undefined) throw notServing();
  const project = context.projects[0] ?? 'default';
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !HOP_HEADERS.has(name)) headers[name] = value;
  }
  const { type, id } = context.principal;
  headers['host'] = `127.0.0.1:${port}`;
  headers['authorization'] = `Bearer ${token}`;
  headers['dais-on-behalf-of'] = `${type}/${id}`;
  headers['x-request-id'] = request.id;
  if (visible !== undefined) headers[VISIBLE_HEADER] = visible;
  const { 'content-length': announced, 'transfer-encoding': coding } = request.headers;
  // Node's client sends the body of a GET without any framing unless a header announces one: the gateway would read it as requests.
  if (coding !== undefined) headers['transfer-encoding'] = 'chunked';
  const small = coding === undefined && Number(announced ?? 0) <= RESENT_BYTES;
  const body = small ? await buffer(request.raw) : undefined;
  const send = (reused: boolean): ClientRequest =>
    httpRequest({
      host,
      port,
      method: request.method,
      path: `/p/${encodeURIComponent(project)}${request.url}`,
      headers,
      agent: reused ? agent : false,
    });
  const answer = await ask(send, request.raw, body, context.signal);
  void reply.code(answer.statusCode ?? 502);
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !HOP_HEADERS.has(name) && name !== 'content-length') void reply.header(name, value);
  }
  if (answer.headers['content-length'] !== undefined)
    void reply.header('content-length', answer.headers['content-length']);
  return await reply.send(answer);
}

async function ask(
  send: (reused: boolean) => ClientRequest,
  raw: IncomingMessage,
  body: Buffer | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const once = async (reused: boolean): Promise<IncomingMessage> =>
    await new Promise((resolve, reject) => {
      const sent = send(reused);
      const abort = () => sent.destroy();
      signal.addEventListener('abort', abort, { once: true });
      sent.once('response', (answer) => {
        answer.once('close', () => signal.removeEventListener('abort', abort));
        resolve(answer);
      });
      sent.once('error', (error) => {
        signal.removeEventListener('abort', abort);
        reject(Object.assign(error, { stale: sent.reusedSocket }));
      });
      if (body === undefined) raw.pipe(sent);
      else sent.end(body);
    });
  try {
    return await once(body !== undefined);
  } catch (error) {
    // The previous gateway had closed the connection: the request was not read.
    const { stale = false, code } = error as { stale?: boolean; code?: string };
    if (body === undefined || !stale || (code !== 'ECONNRESET' && code !== 'EPIPE')) throw gatewayEnded(error);
    return await once(false).catch((again: unknown) => {
      throw gatewayEnded(again);
    });
  }
}

/** `/v2` and `/v2/health/…` describe the server and no endpoint. */
function isAboutServer(url: string): boolean {
  return /^\/v2(?:\/health\/[^/?]*)?\/?(?:\?|$)/.test(url);
}

/**
 * Returns the endpoints that a list response may name, as a header for the gateway: it has the permissions of tokens,
 * but not those of the principal of this request.
 */
async function visibleTo(calls: Pick<OperationCalls, 'call'>, context: CallContext): Promise<string> {
  const { endpoints } = (await calls.call('endpoint.listInvocable', {}, context)) as { endpoints: readonly string[] };
  const text = encodeVisible(endpoints);
  if (text.length <= MOST_VISIBLE_BYTES) return text;
  throw new DaisError(
    'too_large',
    `You can invoke ${endpoints.length} endpoints of this project, which is more than this route lists. Request one by name, or use \`/api/v1/endpoints\`.`,
  );
}

/** `/v2/models/NAME/…`, `/endpoints/NAME/…`, `/v1/models/NAME:predict`. */
function endpointOf(url: string): string | undefined {
  const match = /^\/(?:v2\/models|endpoints|v1\/models)\/([^/:?]+)/.exec(url);
  if (match === null) return undefined;
  try {
    return decodeURIComponent(match[1] ?? '');
  } catch {
    return undefined;
  }
}
