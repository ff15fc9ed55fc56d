/** Sends a reply, compressed if the client accepts it and it pays off. */
import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import type { HttpExchange } from './http-exchange.ts';
import type { ServingReply } from '../serving-protocol.ts';

/** Shorter bodies fit into one packet. */
const WORTH_IT = 1024;

const gzipped = promisify(gzip);
const deflated = promisify(deflate);

/** Sends the reply with additional headers. Returns a promise only if it is compressed. */
export function sendReply(
  exchange: HttpExchange,
  { status, headers, body }: ServingReply,
  own: Readonly<Record<string, string>>,
): Promise<void> | undefined {
  const encoding = acceptedEncoding(exchange.headers['accept-encoding'], body.length);
  if (encoding !== undefined) return sendPacked(exchange, encoding, { status, headers, body }, own);
  if (!exchange.isGone) exchange.send(status, headers, own, body);
  return undefined;
}

async function sendPacked(
  exchange: HttpExchange,
  encoding: 'gzip' | 'deflate',
  { status, headers, body }: ServingReply,
  own: Readonly<Record<string, string>>,
): Promise<void> {
  // Level 1: higher levels hardly reduce tensors of floats, and this takes a third of the time.
  const bytes = await (encoding === 'gzip' ? gzipped : deflated)(body, { level: 1 });
  if (exchange.isGone) return;
  exchange.send(status, headers, { ...own, 'content-encoding': encoding, vary: 'accept-encoding' }, bytes);
}

function acceptedEncoding(accepted: string | string[] | undefined, length: number): 'gzip' | 'deflate' | undefined {
  if (accepted === undefined || length < WORTH_IT) return undefined;
  const offers = String(accepted)
    .toLowerCase()
    .split(',')
    .filter((offer) => !/;\s*q=0(\.0*)?\s*$/.test(offer))
    .map((offer) => offer.split(';', 1)[0]?.trim());
  if (offers.includes('gzip')) return 'gzip';
  return offers.includes('deflate') ? 'deflate' : undefined;
}
