/** Requests of one node to another, with mutual TLS. */
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

/**
 * Sends a request on a new connection, so that each has current certificates on both sides. The certificate of the server must be
 * one of that node, whatever its address. @throws Error if the node cannot be reached or authenticated, or does not respond.
 */
export async function requestNode(
  { ca, cert, key }: NodeTls,
  { node, host, port }: NodeAddress,
  { path, body, timeoutMs, signal }: NodeRequest,
): Promise<NodeResponse> {
  const limit = AbortSignal.timeout(timeoutMs);
  const ending = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  const text = body === undefined ? undefined : JSON.stringify(body);
  return await new Promise<NodeResponse>((resolve, reject) => {
    const sent = httpsRequest(
      {
        host,
        port,
        path,
        method: text === undefined ? 'GET' : 'POST',
        agent: false,
        ca: [...ca],
        cert,
        key,
        // The default check compares this name with the certificate.
        servername: nodeName(node),
        minVersion: 'TLSv1.3',
        signal: ending,
        headers: text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      },
      (answer) => {
        buffer(answer).then((bytes) => resolve({ status: answer.statusCode ?? 0, body: bytes.toString('utf8') }), reject);
      },
    );
    sent.once('error', (error) =>
      reject(limit.aborted ? new Error(`no response of the node within ${timeoutMs / 1000} s`, { cause: error }) : error),
    );
    sent.end(text);
  });
}
