/** HTTPS connections to one API server: kept alive, limited in number, time and size, optionally through a proxy. */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Clock } from '#lib/clock.ts';
import { tunnelThroughProxy } from '#lib/outbound/route.ts';
import type { ClientCertificate, ClusterConfig } from './cluster-config.ts';
import { ConnectionError, describeConnectionError } from './connection-error.ts';

export interface TransportLimits {
  /** Connections for requests; watches have their own, because each occupies one for minutes. */
  readonly sockets: number;
  /** Time limit of a request with its response; of a watch until its response starts. */
  readonly requestMs: number;
  /** Maximum size of a response. */
  readonly responseBytes: number;
}

export interface TransportRequest {
  readonly method: string;
  /** Path with query, below the path of the server. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly certificate?: ClientCertificate | undefined;
  /** A repetition changes nothing: sent a second time if a kept connection was closed in the same moment. */
  readonly isRepeatable: boolean;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportResponse {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** An idle connection ends after this time, before load balancers forget it silently (60 s and more). */
const IDLE_SOCKET_MS = 50_000;

export class Transport {
  readonly #config: ClusterConfig;
  readonly #limits: TransportLimits;
  readonly #clock: Clock;
  readonly #agent: HttpAgent;
  readonly #watchAgent: HttpAgent;

  constructor(config: ClusterConfig, limits: TransportLimits, clock: Clock) {
    this.#config = config;
    this.#limits = limits;
    this.#clock = clock;
    this.#agent = createAgent(config, limits, limits.sockets);
    this.#watchAgent = createAgent(config, limits, Number.POSITIVE_INFINITY);
  }

  /** Reads the whole response, of any status. @throws ConnectionError; the reason of `signal` when it aborts. */
  async send(request: TransportRequest): Promise<TransportResponse> {
    const deadline = this.#startDeadline(request.timeoutMs);
    try {
      const response = await this.#open(this.#agent, request, deadline.signal);
      const body = await this.#readBody(response);
      return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body };
    } catch (error) {
      throw this.#translate(error, request);
    } finally {
      deadline.clear();
    }
  }

  /** Returns the response when it starts. The caller reads or destroys it; its errors need `translate`. */
  async stream(request: TransportRequest): Promise<IncomingMessage> {
    const deadline = this.#startDeadline(request.timeoutMs);
    try {
      // An error between two reads is reported by the next read.
      return (await this.#open(this.#watchAgent, request, deadline.signal)).on('error', () => {});
    } catch (error) {
      throw this.#translate(error, request);
    } finally {
      deadline.clear();
    }
  }

  /** Reads the rest of a response that `stream` returned. */
  async readBody(response: IncomingMessage): Promise<string> {
    return await this.#readBody(response).catch((error: unknown) => {
      throw this.translate(error);
    });
  }

  translate(error: unknown): Error {
    return describeConnectionError(error, this.#config.server.origin);
  }

  /** Closes all connections, also active ones. Idempotent. */
  close(): void {
    this.#agent.destroy();
    this.#watchAgent.destroy();
  }

  async #open(agent: HttpAgent, request: TransportRequest, deadline: AbortSignal): Promise<IncomingMessage> {
    try {
      return await this.#attempt(agent, request, deadline);
    } catch (error) {
      if (!(error instanceof StaleConnection) || !request.isRepeatable) throw error;
      return await this.#attempt(agent, request, deadline);
    }
  }

  async #attempt(agent: HttpAgent, request: TransportRequest, deadline: AbortSignal): Promise<IncomingMessage> {
    const { server } = this.#config;
    const { body, certificate, signal } = request;
    const options: RequestOptions = {
      host: server.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: server.port === '' ? (server.protocol === 'https:' ? 443 : 80) : server.port,
      path: server.pathname.replace(/\/$/, '') + request.path,
      method: request.method,
      agent,
      headers: { ...request.headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
      // Connections of different certificates are separate pools of the agent.
      ...(certificate !== undefined && { cert: certificate.cert, key: certificate.key }),
    };
    signal?.throwIfAborted();
    deadline.throwIfAborted();
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const sent: ClientRequest = server.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
      let response: IncomingMessage | undefined;
      // The reader of a response receives the reason only if the response itself is destroyed with it.
      const abort = () => (response ?? sent).destroy(reasonOf(signal?.aborted === true ? signal : deadline));
      signal?.addEventListener('abort', abort, { once: true });
      deadline.addEventListener('abort', abort, { once: true });
      sent.once('close', () => {
        signal?.removeEventListener('abort', abort);
        deadline.removeEventListener('abort', abort);
      });
      sent.once('response', (received: IncomingMessage) => {
        response = received;
        resolve(received);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(isStale ? new StaleConnection(error) : error);
      });
      sent.end(body);
    });
  }

  async #readBody(response: IncomingMessage): Promise<string> {
    const { responseBytes } = this.#limits;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > responseBytes) {
        const what = `The API server ${this.#config.server.origin} returned more than ${responseBytes} bytes.`;
        throw new ConnectionError('too-large', `${what} Select fewer objects.`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  #startDeadline(timeoutMs = this.#limits.requestMs) {
    const controller = new AbortController();
    const { origin } = this.#config.server;
    const cancel = this.#clock.after(timeoutMs, () => {
      const what = `The API server ${origin} did not complete its response within ${timeoutMs / 1000} s.`;
      controller.abort(new ConnectionError('timeout', `${what} Check its load and the network.`));
    });
    return { signal: controller.signal, clear: cancel };
  }

  #translate(error: unknown, { signal }: TransportRequest): unknown {
    return signal?.aborted === true ? signal.reason : this.translate(error);
  }
}

/** The server closed a kept connection before it received the request. */
class StaleConnection extends Error {
  constructor(cause: NodeJS.ErrnoException) {
    super('the connection was closed', { cause });
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function createAgent(config: ClusterConfig, { requestMs }: TransportLimits, maxSockets: number): HttpAgent {
  const pool = {
    keepAlive: true,
    keepAliveMsecs: 30_000,
    maxSockets,
    scheduling: 'lifo',
    timeout: IDLE_SOCKET_MS,
  } as const;
  if (config.server.protocol !== 'https:') return new HttpAgent(pool);
  const options = {
    ...pool,
    ...(config.ca !== undefined && { ca: config.ca }),
    ...(config.serverName !== undefined && { servername: config.serverName }),
    rejectUnauthorized: !config.isInsecure,
    minVersion: 'TLSv1.2',
  } as const;
  return config.proxy === undefined ? new HttpsAgent(options) : new TunnelAgent(options, config.proxy, requestMs);
}

type AgentOptions = ConstructorParameters<typeof HttpsAgent>[0];
type ConnectionOptions = Parameters<HttpsAgent['createConnection']>[0];
type ConnectionCallback = (error: Error | null, socket: Duplex) => void;

/** Opens each connection as a tunnel of an HTTP proxy. */
class TunnelAgent extends HttpsAgent {
  readonly #proxy: string;
  readonly #timeoutMs: number;

  constructor(options: AgentOptions, proxy: string, timeoutMs: number) {
    super(options);
    this.#proxy = proxy;
    this.#timeoutMs = timeoutMs;
  }

  override createConnection(options: ConnectionOptions, callback?: ConnectionCallback): undefined {
    void this.#connect(options, callback ?? (() => {}));
  }

  async #connect(options: ConnectionOptions, done: ConnectionCallback): Promise<void> {
    const { host, port } = options;
    const target = { protocol: 'https:', host: String(host), port: Number(port) } as const;
    const through = { proxy: this.#proxy, secureContext: undefined, timeoutMs: this.#timeoutMs, signal: undefined };
    let secured: Duplex;
    try {
      const { socket } = await tunnelThroughProxy(through, target);
      secured = super.createConnection({ ...options, socket } as ConnectionOptions) as Duplex;
    } catch (error) {
      // The type requires a socket, which Node ignores with an error.
      done(error as Error, undefined as unknown as Duplex);
      return;
    }
    done(null, secured);
  }
}
