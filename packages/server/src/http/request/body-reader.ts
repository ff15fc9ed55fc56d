import type { IncomingMessage } from 'node:http';
import { Transform, type Readable, type TransformCallback } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip, inflate as unpack } from 'node:zlib';
import { DaisError } from '@dais/api';
import type { BodyLimits, ReadOptions } from '#http/server/route-group.ts';
import type { Clock } from '#lib/clock.ts';

const unpackers = { gzip: promisify(gunzip), deflate: promisify(unpack) } as const;

/**
 * Reads a whole body into memory. @throws DaisError `too_large`, `request_timeout`, `unreadable_body` (truncated, or
 * not in its encoding), `unsupported_media_type` (compressed, unless this function or the route decompresses it).
 */
export async function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  clock: Clock,
  { compressed = false, inflate = false }: ReadOptions = {},
): Promise<Buffer> {
  if (compressed) return await readBytes(request, limits, clock);
  const encoding = inflate ? encodingOf(request) : undefined;
  if (encoding === undefined) {
    refuseCompressed(request, inflate);
    return await readBytes(request, limits, clock);
  }
  const packed = await readBytes(request, limits, clock);
  try {
    return await unpackers[encoding](packed, { maxOutputLength: limits.bodyBytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      const detail = `The decompressed body exceeds the limit of ${limits.bodyBytes} bytes for this route.`;
      throw new DaisError('too_large', detail, { cause: error });
    }
    throw new DaisError('unreadable_body', `The body does not match its Content-Encoding ${encoding}.`, {
      cause: error,
    });
  }
}

function encodingOf({ headers }: IncomingMessage): keyof typeof unpackers | undefined {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip';
  return encoding === 'deflate' ? 'deflate' : undefined;
}

async function readBytes(request: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<Buffer> {
  const tooLarge = () =>
    new DaisError('too_large', `The body exceeds the limit of ${limits.bodyBytes} bytes for this route.`);
  if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytes) throw tooLarge();
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void) => {
      cancel();
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      act();
    };
    const fail = (error: DaisError) =>
      settle(() => {
        // Discard further data until the connection closes after the response.
        request.resume();
        reject(error);
      });
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.bodyBytes) fail(tooLarge());
      else chunks.push(chunk);
    };
    const onEnd = () =>
      settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)));
    const onError = () => fail(new DaisError('unreadable_body', 'The connection closed before the body was complete.'));
    const onClose = () => onError();
    const cancel = clock.after(limits.bodySeconds * 1000, () =>
      fail(new DaisError('request_timeout', `The body did not arrive within ${limits.bodySeconds} s.`)),
    );
    request.on('data', onData).once('end', onEnd).once('error', onError).once('close', onClose);
  });
}

/**
 * Returns a body of any size as a stream. It fails with `request_timeout` when no data arrives although the consumer
 * waits for it, and with `unreadable_body` when the connection breaks. @throws DaisError `unsupported_media_type`
 * (compressed).
 */
export function readContent(request: IncomingMessage, { bodySeconds }: BodyLimits, clock: Clock): Readable {
  refuseCompressed(request);
  let cancel: () => void = () => {};
  const watch = () => {
    cancel = clock.after(bodySeconds * 1000, () => {
      // The sender is not responsible for a slow consumer of the bytes.
      if (passing.writableNeedDrain) watch();
      else passing.destroy(new DaisError('request_timeout', `No data of the body arrived for ${bodySeconds} s.`));
    });
  };
  const passing = new Transform({
    transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
      cancel();
      watch();
      done(null, chunk);
    },
  });
  watch();
  // If the consumer has not started reading, the error is for the consumer, not for the process.
  passing.on('error', () => {});
  const broken = () =>
    passing.destroy(new DaisError('unreadable_body', 'The connection closed before the body was complete.'));
  request.once('error', broken).once('close', () => {
    if (!request.complete) broken();
  });
  // Discard unneeded data as it arrives: most clients read no response before they have sent everything.
  passing.once('close', () => {
    cancel();
    request.unpipe(passing).resume();
  });
  request.pipe(passing);
  return passing;
}

function refuseCompressed(request: IncomingMessage, inflated = false): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  const instead = inflated ? 'Send the body as gzip, deflate or uncompressed' : 'Send the body uncompressed';
  throw new DaisError(
    'unsupported_media_type',
    `The Content-Encoding ${encoding.slice(0, 80)} is not supported. ${instead}.`,
  );
}
