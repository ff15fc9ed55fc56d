import { Readable } from 'node:stream';

export interface LimitedBodyOptions {
  readonly maxBytes: number | undefined;
  /** The error for a body that is larger. */
  readonly tooLarge: () => Error;
  /** What an error of the source means for the reader. */
  readonly translate: (error: Error) => Error;
  /** Called once, when nothing more will be read. */
  readonly closed: () => void;
}

/**
 * Limits the source and maps its errors. Not an async generator: its end has to wait for the pending chunk, and the
 * connection would stay open while the peer is silent.
 */
export function limitBody(source: Readable, options: LimitedBodyOptions): Readable {
  let size = 0;
  const body = new Readable({
    read: () => void source.resume(),
    destroy: (error, done) => {
      options.closed();
      // To undici, a body that is destroyed before its end is an error.
      source.on('error', () => {}).destroy();
      done(error);
    },
  });
  source.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (options.maxBytes !== undefined && size > options.maxBytes) body.destroy(options.tooLarge());
    else if (!body.push(chunk)) source.pause();
  });
  source.on('end', () => void body.push(null));
  source.on('error', (error) => void body.destroy(options.translate(error)));
  // It can fail before it is read: a later reader gets the error, and the process does not crash.
  return body.on('error', () => {});
}
