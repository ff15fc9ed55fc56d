/** Reads and decompresses the body of a request into one buffer, within a limit. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { DaisError } from '@dais/api/errors';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { BodyBuffer } from './body-buffer.ts';
import type { HttpExchange } from './http-exchange.ts';

/** Longer announced bodies are copied once into one buffer of their size instead of by chunk. */
const ONE_CHUNK = 64 * 1024;

/** Throws errors that follow from the headers alone. */
export function checkBody(headers: Readonly<IncomingHttpHeaders>, most: number): void {
  const announced = headers['content-length'];
  if (announced !== undefined && Number(announced) > most) throw tooLarge(most);
  decoderOf(headers['content-encoding']);
}

/** `binaryAt`: offset of the tensors in machine format of an uncompressed body. */
export async function readBody(exchange: HttpExchange, most: number, binaryAt?: number): Promise<Buffer> {
  const raw = await exchange.body(most, binaryAt);
  const encoding = exchange.headers['content-encoding'];
  const decode = decoderOf(encoding);
  if (decode === undefined) return raw;
  try {
    return await decode(raw, { maxOutputLength: most });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(most);
    throw new DaisError('unreadable_body', `The body is not valid ${encoding} data.`, { cause: error });
  }
}

const gunzipped = promisify(gunzip);
const inflated = promisify(inflate);

type Decoder = (raw: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

function decoderOf(encoding: string | undefined): Decoder | undefined {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return gunzipped;
    case 'deflate':
      return inflated;
    default:
      throw new DaisError(
        'unsupported_media_type',
        `The Content-Encoding ${encoding} is not supported. Send gzip, deflate or an uncompressed body.`,
      );
  }
}

/** The body as sent. `room`: the buffer of a large body of announced length. */
export async function collectBody(
  request: IncomingMessage,
  most: number,
  room: BodyBuffer | undefined,
): Promise<Buffer> {
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer) => {
      if (length + chunk.length > most) {
        request.off('data', onData);
        request.pause();
        reject(tooLarge(most));
        return;
      }
      if (room === undefined) chunks.push(chunk);
      else room.add(chunk);
      length += chunk.length;
    };
    request.on('data', onData);
    request.once('end', () => {
      if (room !== undefined) resolve(room.whole);
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    request.once('error', (error) => reject(cutOff(error)));
    request.once('close', () => {
      if (!request.complete) reject(cutOff(undefined));
    });
  });
}

export function tooLarge(most: number): DaisError {
  return new DaisError('too_large', `The body exceeds the limit of ${most} bytes.`);
}

export function bodyBufferFor(kept: BufferPool, length: number, binaryAt: number | undefined): BodyBuffer | undefined {
  return length > ONE_CHUNK ? new BodyBuffer(kept, length, binaryAt) : undefined;
}

function cutOff(cause: unknown): DaisError {
  return new DaisError('request_timeout', 'The connection closed before the body was complete.', { cause });
}
