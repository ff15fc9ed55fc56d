/**
 * Parses the headers of an ordinary request. It rejects everything ambiguous (RFC 9112 §6, §11.2): a repeated header, a
 * body without an announced length, other characters in names or values.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface RequestHead {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** Length of the body in bytes. */
  readonly length: number;
}

const FIRST_LINE = /^(GET|POST) (\/[!-~]*) HTTP\/1\.1$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~]*$/;
const LENGTH = /^\d{1,9}$/;
/** Headers that change how the body is read, or that request more than a response. */
const UNUSUAL = new Set([
  'transfer-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'http2-settings',
  'keep-alive',
  // Node reads it as `Connection`.
  'proxy-connection',
  // Names that Node represents in another way than as one text.
  'set-cookie',
  '__proto__',
]);
/** Prediction clients send 4 to 10. */
const MOST_HEADERS = 50;

/** `text`: everything before the empty line. Undefined: the general parser must read it. */
export function readRequestHead(text: string): RequestHead | undefined {
  const lines = text.split('\r\n', MOST_HEADERS + 2);
  const [, method, url] = FIRST_LINE.exec(lines[0] as string) ?? [];
  if (method === undefined || url === undefined || lines.length > MOST_HEADERS + 1) return undefined;
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at] as string;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1);
    if (!NAME.test(name) || !VALUE.test(value) || name in headers || UNUSUAL.has(name)) return undefined;
    headers[name] = value.trim();
  }
  const { host, connection, 'content-length': announced = '0' } = headers;
  if (host === undefined || !LENGTH.test(announced)) return undefined;
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return undefined;
  return { method: method as RequestHead['method'], url, headers, length: Number(announced) };
}
