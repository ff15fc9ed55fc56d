/** Requests of one node to another, with mutual TLS. */
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { nodeName, type NodeTls } from './certificates.ts';

/** A node that accepts connections of other nodes. */
export interface NodeAddress {
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

export interface NodeRequest {
  readonly path: string;
  /** Sent as JSON with POST; absent: GET. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface NodeResponse {
  readonly status: number;
  readonly body: string;
}

/** A stream on which nothing arrives for this long has failed. */
const IDLE_MS = 30_000;

/**
 * Sends a request on a new connection, so that each has current certificates on both sides. The certificate of the server must be
 * one of that node, whatever its address. @throws Error if the node cannot be reached or authenticated, or does not respond.
 */
export async function requestNode(
  tls: NodeTls,
  to: NodeAddress,
  { path, body, timeoutMs, signal }: NodeRequest,
): Promise<NodeResponse> {
  const limit = AbortSignal.timeout(timeoutMs);
  const text = body === undefined ? undefined : JSON.stringify(body);
  try {
    const response = await send(tls, to, path, text, signal === undefined ? limit : AbortSignal.any([signal, limit]));
    return { status: response.statusCode ?? 0, body: (await buffer(response)).toString('utf8') };
  } catch (error) {
    if (limit.aborted) throw new Error(`no response of the node within ${timeoutMs / 1000} s`, { cause: error });
    throw error;
  }
}

/** Opens what another node returns as a stream. @throws Error as `requestNode` does, and if the status is not 200. */
export async function openFromNode(tls: NodeTls, to: NodeAddress, path: string): Promise<IncomingMessage> {
  const response = await send(tls, to, path, undefined, undefined);
  if (response.statusCode === 200) return response;
  response.destroy();
  throw new Error(`the node on ${to.host} returned ${response.statusCode}`);
}

async function send(
  { ca, cert, key }: NodeTls,
  { node, host, port }: NodeAddress,
  path: string,
  body: string | undefined,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = httpsRequest(
      {
        host,
        port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        agent: false,
        ca: [...ca],
        cert,
        key,
        // The default check compares this name with the certificate.
        servername: nodeName(node),
        minVersion: 'TLSv1.3',
        ...(signal === undefined ? { timeout: IDLE_MS } : { signal }),
        headers:
          body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      resolve,
    );
    sent.once('timeout', () => sent.destroy(new Error(`the node sent nothing for ${IDLE_MS / 1000} s`)));
    sent.once('error', reject);
    sent.end(body);
  });
}
