/** Opens connections for clients in this process with their own protocol, such as those of a forward proxy. */
import { request as httpRequest, type ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as tcpConnect, type Socket } from 'node:net';
import { connect as tlsConnect, type SecureContext } from 'node:tls';

/** Where a connection leads. */
export interface RouteTarget {
  /** `https:` is also the protocol of tunnels, whatever they carry. */
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
  /** The destination comes from the configuration, not from a user: internal addresses are permitted. */
  readonly trusted?: boolean;
}

export interface Route {
  readonly socket: Socket;
  /** Bytes that arrived together with the proxy's response to CONNECT. */
  readonly head?: Buffer;
  /**
   * Set when the connection ends at the configured proxy instead of the destination: requests carry the absolute URL and
   * this header.
   */
  readonly proxy?: { readonly authorization: string | undefined };
}

export interface ProxyConnection {
  readonly proxy: string;
  readonly secureContext: SecureContext | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Opens a connection to the proxy itself. Rejects with the socket's own error. */
export async function connectToProxy({ proxy, secureContext, timeoutMs, signal }: ProxyConnection): Promise<Route> {
  const url = new URL(proxy);
  const location = { host: plainHost(url), port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) };
  const isTls = url.protocol === 'https:';
  const socket = isTls ? tlsConnect({ ...location, ...tlsOptions(url, secureContext) }) : tcpConnect(location);
  await untilConnected(socket, isTls ? 'secureConnect' : 'connect', timeoutMs, signal);
  return { socket, proxy: { authorization: authorizationOf(url) } };
}

/** Requests a tunnel from the proxy. @throws Error `Proxy response (407)` for every response except 200. */
export async function tunnelThroughProxy(
  { proxy, secureContext, timeoutMs, signal }: ProxyConnection,
  { host, port }: RouteTarget,
): Promise<Route> {
  const url = new URL(proxy);
  const authorization = authorizationOf(url);
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const options = {
    host: plainHost(url),
    port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...(authorization !== undefined && { 'proxy-authorization': authorization }) },
    agent: false as const,
    timeout: timeoutMs,
    ...(signal !== undefined && { signal }),
  };
  const request: ClientRequest =
    url.protocol === 'https:' ? httpsRequest({ ...options, ...tlsOptions(url, secureContext) }) : httpRequest(options);
  return await new Promise<Route>((resolve, reject) => {
    request.once('connect', (response, socket, head) => {
      socket.setTimeout(0);
      if (response.statusCode === 200) return resolve({ socket, head });
      socket.destroy();
      reject(new Error(`Proxy response (${response.statusCode}) !== 200 when HTTP Tunneling`));
    });
    request.once('response', (response) => {
      request.destroy();
      reject(new Error(`Proxy response (${response.statusCode}) !== 200 when HTTP Tunneling`));
    });
    request.once('timeout', () => request.destroy(connectTimeout()));
    request.once('error', reject);
    request.end();
  });
}

async function untilConnected(
  socket: Socket,
  event: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  socket.setTimeout(timeoutMs, () => socket.destroy(connectTimeout()));
  const abort = () => socket.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => socket.once(event, () => resolve()).once('error', reject));
    socket.removeAllListeners('timeout').removeAllListeners('error').setTimeout(0);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function tlsOptions(url: URL, secureContext: SecureContext | undefined) {
  return { servername: plainHost(url), ...(secureContext !== undefined && { secureContext }) };
}

function plainHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function connectTimeout(): Error {
  return Object.assign(new Error('the connection took too long'), { code: 'UND_ERR_CONNECT_TIMEOUT' });
}
