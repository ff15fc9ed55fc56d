/** Sends a reply, compressed when the caller likes it and it is worth it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import type { ServingReply } from './serving-door.ts';

/** Below this a packet is a packet. */
const WORTH_IT = 1024;

export interface Sending {
  /** Headers of the gateway. */
  readonly own: Readonly<Record<string, string>>;
  /** For whoever takes an answer so slowly that it waits in this process. */
  readonly readerMs: number;
}

const gzipped = promisify(gzip);
const deflated = promisify(deflate);

export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: ServingReply,
  { own, readerMs }: Sending,
): Promise<void> {
  const encoding = wanted(request.headers['accept-encoding'], body.length);
  const bytes = encoding === undefined ? body : await pack(encoding, body);
  if (response.destroyed) return;
  response.writeHead(status, {
    ...headers,
    ...own,
    ...(encoding !== undefined && { 'content-encoding': encoding, vary: 'accept-encoding' }),
    'content-length': typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length,
  });
  const { socket } = response;
  response.end(bytes);
  if (socket === null || socket.writableLength === 0) return;
  const giveUp = setTimeout(() => socket.destroy(), readerMs);
  giveUp.unref();
  response.once('close', () => clearTimeout(giveUp));
}

/**
 * Of a connection whose next answer is the last one although its request has not come to an end: closes it for writing and reads
 * away what still comes, for so long. Closed at once, it would be reset, and whoever still sends would never see the answer.
 */
export function closeLingering(request: IncomingMessage, lingerMs: number): void {
  const { socket } = request;
  socket.destroySoon = () => {
    socket.end();
    request.resume();
    const giveUp = setTimeout(() => socket.destroy(), lingerMs);
    giveUp.unref();
    socket.once('close', () => clearTimeout(giveUp));
  };
}

function wanted(accepted: string | string[] | undefined, length: number): 'gzip' | 'deflate' | undefined {
  if (accepted === undefined || length < WORTH_IT) return undefined;
  const offers = String(accepted)
    .toLowerCase()
    .split(',')
    .filter((offer) => !/;\s*q=0(\.0*)?\s*$/.test(offer))
    .map((offer) => offer.split(';', 1)[0]?.trim());
  if (offers.includes('gzip')) return 'gzip';
  return offers.includes('deflate') ? 'deflate' : undefined;
}

async function pack(encoding: 'gzip' | 'deflate', body: Buffer | string): Promise<Buffer> {
  // Level 1: tensors of floats hardly get smaller with more, and it takes a third of the time.
  return await (encoding === 'gzip' ? gzipped : deflated)(body, { level: 1 });
}
