/** A server that behaves like a Kubernetes API server in the moments that a real one rarely shows. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { systemClock } from '#lib/clock.ts';
import { makeCertificates, type TestCertificates } from '#lib/crypto/certificates.testing.ts';
import { ClusterClient, type ClusterClientOptions } from './cluster-client.ts';
import type { ClusterConfig } from './cluster-config.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly socket: TLSSocket;
  /** JSON. */
  readonly body: Promise<unknown>;
}

type Respond = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>;

export class TestApiServer {
  readonly received: ReceivedRequest[] = [];
  readonly tls: TestCertificates;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  readonly #clients: ClusterClient[] = [];
  /** Chosen by the test. */
  respond: Respond = (_, response) => sendStatus(response, 500, 'InternalError', 'no response was defined');
  /** Highest number of connections at one time. */
  mostSockets = 0;

  private constructor(tls: TestCertificates) {
    this.tls = tls;
    const options = { cert: tls.cert, key: tls.key, requestCert: true, rejectUnauthorized: false };
    this.#server = createServer(options, (request, response) => void this.#receive(request, response));
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket.once('close', () => this.#sockets.delete(socket)));
      socket.on('error', () => {});
      this.mostSockets = Math.max(this.mostSockets, this.#sockets.size);
    });
  }

  static async start(names?: readonly string[]): Promise<TestApiServer> {
    const server = new TestApiServer(await makeCertificates(names));
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A configuration without credentials. */
  config(fields: Partial<ClusterConfig> = {}): ClusterConfig {
    return {
      server: new URL(`https://127.0.0.1:${this.port}`),
      ca: this.tls.ca,
      isInsecure: false,
      namespace: 'default',
      credential: { type: 'anonymous' },
      ...fields,
    };
  }

  /** Closed with the server. */
  client({
    config,
    ...options
  }: Partial<Omit<ClusterClientOptions, 'config'>> & { config?: Partial<ClusterConfig> } = {}) {
    const client = new ClusterClient({ config: this.config(config), clock: systemClock, environment: {}, ...options });
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => {});
    response.on('error', () => {});
    const url = new URL(request.url ?? '/', 'https://server');
    const chunks: Buffer[] = [];
    const body = new Promise<unknown>((resolve) => {
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve(text === '' ? undefined : JSON.parse(text));
      });
    });
    const received: ReceivedRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      socket: request.socket as TLSSocket,
      body,
    };
    this.received.push(received);
    await this.respond(received, response);
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function sendStatus(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  headers = {},
): void {
  sendJson(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, headers);
}

export function sendList(response: ServerResponse, items: readonly object[], metadata: object): void {
  sendJson(response, 200, { kind: 'ConfigMapList', apiVersion: 'v1', metadata, items });
}

export function sendEvent(response: ServerResponse, type: string, object: object): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
  response.write(`${JSON.stringify({ type, object })}\n`);
}

export function configMap(name: string, resourceVersion = '1', fields: object = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name, resourceVersion }, ...fields };
}
