/** Fetches URLs with the outbound client, which never connects into the internal network. */
import { DaisError } from '@dais/api';
import type { Outbound, OutboundAnswer } from '#lib/outbound/outbound.ts';
import { MOST_OBJECT_BYTES, type DataSource, type SourceObject } from '../contract.ts';
import { writeFetched } from '../written-file.ts';

export interface HttpSourceOptions {
  readonly urls: readonly string[];
  /** Secrets: sent to these URLs only, never to redirect targets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly outbound: Outbound;
}

/** An object may take hours; a minute without data aborts it. */
const TIMEOUTS = { totalMs: 0, headersMs: 60_000, idleMs: 60_000 };

export function httpSource({ urls, headers, outbound }: HttpSourceOptions): DataSource {
  const redirects = Object.keys(headers).length === 0 ? 5 : 0;
  return {
    list: async (signal) => {
      const objects: SourceObject[] = [];
      for (const [at, url] of urls.entries()) {
        const answer = await outbound.send({ url, method: 'HEAD', headers, redirects, signal });
        // Some servers do not support HEAD: the object is then read.
        const known = answer.status === 405 || answer.status === 501 ? undefined : answer;
        if (known !== undefined) requireFound(known, url);
        objects.push({ name: nameOf(url, at), uri: url, pin: pinOf(known), bytes: sizeOf(known) });
      }
      return objects;
    },
    fetch: async (object, path, io) => {
      const answer = await outbound.stream({
        url: object.uri,
        headers,
        redirects,
        maxBytes: MOST_OBJECT_BYTES,
        timeouts: TIMEOUTS,
        signal: io.signal,
      });
      const { status, body } = answer;
      if (status !== 200) {
        body.on('error', () => {}).destroy();
        requireFound(answer, object.uri);
        throw new DaisError('upstream_failed', `${object.uri} responded with status ${status}`);
      }
      const pin = pinOf(answer);
      if (object.pin !== '' && pin !== '' && pin !== object.pin) {
        body.on('error', () => {}).destroy();
        throw new DaisError('conflict', `${object.uri} changed since it was listed`);
      }
      return { ...(await writeFetched(body, path, io)), pin };
    },
    close: async () => {},
  };
}

type Head = Pick<OutboundAnswer<unknown>, 'status' | 'headers'>;

function requireFound({ status }: Head, url: string): void {
  if (status >= 200 && status < 300) return;
  if (status === 404 || status === 410) throw new DaisError('not_found', `${url} does not exist`);
  if (status === 401 || status === 403)
    throw new DaisError('invalid_request', `${url} rejected the request with status ${status}`);
  if (status >= 300 && status < 400) {
    throw new DaisError(
      'invalid_request',
      `${url} redirects to another server, and Dais does not send secrets there: use the target URL`,
    );
  }
  throw new DaisError('upstream_failed', `${url} responded with status ${status}`);
}

/** A weak tag may match other bytes; with size and time it is the best available pin. */
function pinOf(answer: Head | undefined): string {
  if (answer === undefined) return '';
  const { etag, 'last-modified': modified } = answer.headers;
  if (etag !== undefined && !etag.startsWith('W/')) return `etag ${etag}`;
  const size = answer.headers['content-length'] ?? '';
  return etag === undefined && modified === undefined ? '' : `${etag ?? ''} ${modified ?? ''} ${size}`.trim();
}

function sizeOf(answer: Head | undefined): number | undefined {
  const text = answer?.headers['content-length'];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function nameOf(url: string, at: number): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  const name = decodeSafely(last)
    .replaceAll(/[\p{Cc}/\\]/gu, '_')
    .slice(-200);
  return `${String(at).padStart(4, '0')}-${name === '' ? 'data' : name}`;
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
