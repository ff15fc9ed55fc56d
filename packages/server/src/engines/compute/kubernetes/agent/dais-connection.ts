/** One HTTP call to Dais: kept connections, TLS, and a limit of the time without any byte. */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';

/** A body with its number of bytes. */
export type CallBody = Buffer | { readonly size: number; readonly stream: Readable };

export interface DaisRequest {
  /** POST sends a message, PUT sends bytes. */
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Below the URL, with its leading slash. */
  readonly path: string;
  readonly token: string;
  readonly body?: CallBody | undefined;
  /** Without a byte in any direction for so long, the call fails. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** Not the fault of Dais or of the network: a repetition would fail in the same way. */
export class LocalProblem extends Error {}

/** Beats, the log, and transfers of four files at a time. */
const CONNECTIONS = 8;
/** An idle connection ends after this time, before load balancers forget it silently (60 s and more). */
const IDLE_MS = 50_000;

export class DaisConnection {
  readonly #url: URL;
  readonly #agent: HttpAgent;

  /** `ca`: PEM of authorities in addition to those of Node. @throws TypeError for an invalid URL */
  constructor(url: string, ca: string | undefined) {
    this.#url = new URL(url);
    const pool = { keepAlive: true, keepAliveMsecs: 30_000, maxSockets: CONNECTIONS, timeout: IDLE_MS } as const;
    const trust = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
    this.#agent =
      this.#url.protocol === 'https:'
        ? new HttpsAgent({ ...pool, ...trust, minVersion: 'TLSv1.2' })
        : new HttpAgent(pool);
  }

  get origin(): string {
    return this.#url.origin;
  }

  /** Returns the response when it starts; the caller reads it, or destroys it. @throws LocalProblem when the body cannot be read */
  async send({ method, path, token, body, silenceMs, signal }: DaisRequest): Promise<IncomingMessage> {
    if (signal.aborted) {
      // It emits no event any more.
      if (body !== undefined && !Buffer.isBuffer(body)) body.stream.destroy();
      throw new Error('the call was aborted');
    }
    const url = this.#url;
    const options = {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port,
      path: url.pathname.replace(/\/$/, '') + path,
      method,
      agent: this.#agent,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && {
          'content-type': method === 'POST' ? 'application/json' : 'application/octet-stream',
          'content-length': Buffer.isBuffer(body) ? body.length : body.size,
        }),
      },
    };
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const request = url.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
      const abort = () => request.destroy(new Error('the call was aborted'));
      signal.addEventListener('abort', abort, { once: true });
      request.setTimeout(silenceMs, () => request.destroy(new Error(`no response within ${silenceMs} ms`)));
      request.once('response', resolve);
      // A second error, after the response has started, reaches the reader of the response.
      request.on('error', reject);
      request.once('close', () => {
        signal.removeEventListener('abort', abort);
        if (body !== undefined && !Buffer.isBuffer(body)) body.stream.destroy();
      });
      sendBody(request, body);
    });
  }

  /** Closes all connections. Idempotent. */
  close(): void {
    this.#agent.destroy();
  }
}

function sendBody(request: ClientRequest, body: CallBody | undefined): void {
  if (body === undefined || Buffer.isBuffer(body)) {
    request.end(body);
    return;
  }
  body.stream.on('error', (cause) => request.destroy(new LocalProblem(cause.message, { cause })));
  body.stream.pipe(request);
}
