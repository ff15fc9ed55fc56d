/** Messages over a pipe between the engine and its process: four bytes of length, then JSON. */
import type { Readable, Writable } from 'node:stream';

/** Longer messages are an error of the sender: inline tables (16 MiB of text) are the largest. */
const LONGEST = 64 * 1024 * 1024;

/** Returns false when the pipe is full, until `drain` of the stream. */
export function sendFrame(pipe: Writable, message: unknown): boolean {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return pipe.write(Buffer.concat([head, body]));
}

/**
 * Yields each message; the event loop runs between two messages, so that many do not block it. Never rejects: an invalid
 * message ends the pipe.
 */
export function onFrames(pipe: Readable, give: (message: unknown) => void): void {
  void read(pipe, give).catch(() => pipe.destroy());
}

async function read(pipe: Readable, give: (message: unknown) => void): Promise<void> {
  const pending: Buffer[] = [];
  let size = 0;
  for await (const chunk of pipe as AsyncIterable<Buffer>) {
    pending.push(chunk);
    size += chunk.length;
    while (size >= 4) {
      const head = pending[0] !== undefined && pending[0].length >= 4 ? pending[0] : join(pending);
      const length = head.readUInt32LE();
      if (length > LONGEST) throw new RangeError('This is not a frame.');
      if (size < 4 + length) break;
      const whole = join(pending);
      const rest = whole.subarray(4 + length);
      pending.splice(0, pending.length, ...(rest.length > 0 ? [rest] : []));
      size = rest.length;
      give(JSON.parse(whole.toString('utf8', 4, 4 + length)));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Concatenates the chunks in place. */
function join(pieces: Buffer[]): Buffer {
  if (pieces.length > 1) pieces.splice(0, pieces.length, Buffer.concat(pieces));
  return pieces[0] ?? Buffer.alloc(0);
}
