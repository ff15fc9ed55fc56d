/** The port for other nodes: TLS 1.3 on which both sides have certificates of this installation's authority. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { DaisError, toProblem } from '@dais/api';
import type { Log } from '#lib/log.ts';
import { nodeOf, type NodeTls } from '#lib/node-tls/certificates.ts';
import type { InternalResponse, InternalRoute } from '#lib/node-tls/internal-route.ts';

/** Connections at the same time; further ones are closed. */
const MAX_CONNECTIONS = 512;
const HANDSHAKE_MS = 5000;
const HEADERS_MS = 10_000;
/** Time for the whole request, with its body. */
const REQUEST_MS = 60_000;
/** A connection on which nothing is sent or received for this long is closed. Longer than any response takes to start. */
const IDLE_MS = 600_000;
const BODY_BYTES = 64 * 2 ** 20;

export interface InternalServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: NodeTls;
  readonly routes: readonly InternalRoute[];
  /** Whether the installation has this node: the certificate of a removed node is refused before it expires. */
  readonly isMember: (node: string) => Promise<boolean>;
  readonly log: Log;
}

export class InternalServer {
  readonly #server: Server;
  readonly #options: InternalServerOptions;
  readonly #stopping = new AbortController();
  /** Also those whose handshake is in progress, which the HTTP server does not know. */
  readonly #sockets = new Set<Socket>();

  private constructor(options: InternalServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        ...contextOf(options.tls),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
        keepAliveTimeout: 1,
      },
      (request, response) => void this.#respond(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(IDLE_MS);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('tlsClientError', (error) => {
      // Everybody who can reach the port can cause it.
      options.log.debug('refused a connection on the port for other nodes', { error });
    });
  }

  /** @throws DaisError `address_in_use`. */
  static async listen(options: InternalServerOptions): Promise<InternalServer> {
    const opened = new InternalServer(options);
    const { host, port } = options;
    await new Promise<void>((resolve, reject) => {
      opened.#server.once('error', (error) =>
        reject(
          new DaisError('address_in_use', `Dais cannot listen on ${host}:${port} for other nodes: ${error.message}.`, {
            cause: error,
          }),
        ),
      );
      opened.#server.listen({ host, port }, resolve);
    });
    return opened;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Applies to new connections; open ones end with their request. */
  setTls(tls: NodeTls): void {
    this.#server.setSecureContext(contextOf(tls));
  }

  /** Waits for running requests up to the deadline. Idempotent. */
  async close(deadlineMs: number): Promise<void> {
    // Waiting requests for a new snapshot end.
    this.#stopping.abort();
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const limit = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, deadlineMs);
    await closed;
    clearTimeout(limit);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      await send(response, await this.#handle(request, AbortSignal.any([gone.signal, this.#stopping.signal])));
    } catch (error) {
      const known =
        error instanceof DaisError ? error : new DaisError('internal', 'The request of the other node failed.');
      if (known !== error && !gone.signal.aborted) {
        this.#options.log.error('a request of another node failed', { url: request.url?.slice(0, 200), error });
      }
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const problem = toProblem(known);
      await send(response, {
        status: problem.status,
        headers: { 'content-type': 'application/problem+json' },
        body: JSON.stringify(problem),
      }).catch(() => response.destroy());
    }
  }

  async #handle(request: IncomingMessage, signal: AbortSignal): Promise<InternalResponse> {
    const node = nodeOf((request.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName);
    if (node === undefined || !(await this.#options.isMember(node))) {
      throw new DaisError('forbidden', 'The certificate is not the one of a node of this installation.');
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://node');
    const found = this.#options.routes.flatMap((route) => {
      const id = idIn(route.path, pathname);
      return id === undefined ? [] : [{ route, id }];
    });
    if (found.length === 0) throw new DaisError('route_not_found', 'The port for other nodes has no such address.');
    const match = found.find(({ route }) => route.method === request.method);
    if (match === undefined) throw new DaisError('method_not_allowed', `Use ${found[0]?.route.method}.`);
    return await match.route.handle({
      node,
      id: match.id,
      query: searchParams,
      headers: request.headers,
      signal,
      json: async () => await readJson(request),
    });
  }
}

function contextOf({ ca, cert, key }: NodeTls) {
  return { ca: [...ca], cert, key, minVersion: 'TLSv1.3' as const };
}

/** Returns the value of `:id` in a path, or nothing if the route has none; undefined: it is another path. */
function idIn(route: string, path: string): string | undefined {
  if (!route.endsWith('/:id')) return route === path ? '' : undefined;
  const base = route.slice(0, -':id'.length);
  const id = path.slice(base.length);
  return path.startsWith(base) && /^[\w-]{1,128}$/.test(id) ? id : undefined;
}

async function send(response: ServerResponse, { status, headers = {}, body }: InternalResponse): Promise<void> {
  response.writeHead(status, { 'cache-control': 'no-store', ...headers });
  if (body instanceof Readable) await pipeline(body, response);
  else response.end(body);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES) throw new DaisError('too_large', `The body is larger than ${BODY_BYTES / 2 ** 20} MiB.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new DaisError('unreadable_body', 'The body is not JSON.');
  }
}
