import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RouteGroup } from '#http/server/route-group.ts';

const BLOCK = Buffer.alloc(256 * 1024, 'dais');

/** Content for tests, as artifacts use it: any number of bytes out and in, as streams. */
export const testContentRoutes: RouteGroup = {
  name: 'content',
  paths: ['/content/*'],
  perProject: true,
  access: 'checked',
  compress: false,
  register: (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.get('/content/:bytes', async (request, reply) => {
      let left = Number((request.params as { bytes: string }).bytes);
      const source = new Readable({
        read: () => {
          const size = Math.min(left, BLOCK.length);
          left -= size;
          source.push(size === 0 ? null : BLOCK.subarray(0, size));
        },
      });
      reply.headers({ 'content-length': left, 'x-accel-buffering': 'no' });
      return await reply.type('application/octet-stream').send(source);
    });
    app.put('/content/upload', { bodyLimit: Number.MAX_SAFE_INTEGER }, async (request, reply) => {
      let received = 0;
      const sink = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          received += chunk.length;
          done();
        },
      });
      await pipeline(request.body as Readable, sink);
      return await reply.send({ received });
    });
  },
};

/** Sends and fetches `bytes` through `url`; returns the received content and the memory growth of this process. */
export async function transferContent(
  url: string,
  bytes: number,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly downloaded: number; readonly uploaded: number; readonly growth: number }> {
  const before = process.memoryUsage.rss();
  let highest = before;
  const sampleMemory = () => {
    highest = Math.max(highest, process.memoryUsage.rss());
  };
  let downloaded = 0;
  const down = await fetch(`${url}/content/${bytes}`, { headers });
  if (down.status !== 200) throw new Error(`the download returned ${down.status}`);
  for await (const chunk of down.body as unknown as AsyncIterable<Uint8Array>) {
    downloaded += chunk.length;
    sampleMemory();
  }
  let left = bytes;
  const source = Readable.from(
    (function* blocks() {
      for (; left > 0; left -= BLOCK.length) {
        sampleMemory();
        yield BLOCK.subarray(0, Math.min(left, BLOCK.length));
      }
    })(),
  );
  // A stream as body needs `duplex`.
  const streaming: RequestInit = {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': String(bytes) },
    body: Readable.toWeb(source) as ReadableStream,
    duplex: 'half',
  };
  const up = await fetch(`${url}/content/upload`, streaming);
  const { received } = (await up.json()) as { received: number };
  sampleMemory();
  return { downloaded, uploaded: received, growth: highest - before };
}
