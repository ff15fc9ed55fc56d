/** Writes responses of plain HTTP/1.1 connections. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

/** Smaller responses are sent in one piece with their headers: two writes cost Node 25 µs more than the copy. */
const MOST_JOINED = 64 * 1024;

export interface PlainResponse {
  readonly status: number;
  /** Complete lines, in Latin-1, without the length and the date. */
  readonly lines: string;
  readonly body: Buffer | string;
  /** The last lines and the empty one. */
  readonly end: string;
}

export function writeResponse(socket: Socket, { status, lines, body, end }: PlainResponse): void {
  const isText = typeof body === 'string';
  const length = isText ? Buffer.byteLength(body) : body.length;
  const fixed = `content-length: ${length}\r\ndate: ${dateNow()}\r\n${end}`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}${fixed}`;
  if (isText) socket.write(head + body, length === body.length ? 'latin1' : 'utf8');
  else if (length <= MOST_JOINED) {
    const whole = Buffer.allocUnsafe(head.length + length);
    whole.write(head, 0, 'latin1');
    body.copy(whole, head.length);
    socket.write(whole);
  } else {
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(body);
    socket.uncork();
  }
}

/**
 * Call this after a response has been passed to the socket: limits how long a slow client may leave it in the buffers
 * of this process.
 */
export function limitReadTime(socket: Socket, ms: number, onTaken: (taken: () => void) => void): void {
  if (socket.writableLength === 0) return;
  const giveUp = setTimeout(() => socket.destroy(), ms);
  giveUp.unref();
  onTaken(() => clearTimeout(giveUp));
}

/** Returns header lines. `without`: the name of a header to omit. @throws Error for characters that HTTP does not allow. */
export function headerLines(headers: Readonly<Record<string, string>>, without?: string): string {
  let text = '';
  for (const name in headers) {
    if (name === without) continue;
    const value = headers[name] as string;
    if (OTHER_SIGNS.test(value)) throw new Error(`The header ${name} contains characters that HTTP does not allow.`);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

const OTHER_SIGNS = /[^\t -~]/;

let second = 0;
let date = '';

/** RFC 9110 §6.6.1. */
function dateNow(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = new Date(now * 1000).toUTCString();
  }
  return date;
}
