import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DaisError } from '@dais/api';
import { afterEach, describe, expect, test } from 'vitest';
import { EventStreams, type StreamLimits } from '#http/routes/event-streams.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';

/** Frames that a test emits one by one. */
class Source implements AsyncIterable<unknown> {
  readonly #queue: unknown[] = [];
  #wake: (() => void) | undefined;
  #end: { readonly error?: unknown } | undefined;
  signal: AbortSignal | undefined;
  returned = false;

  push(...frames: unknown[]): void {
    this.#queue.push(...frames);
    this.#wake?.();
  }

  end(error?: unknown): void {
    this.#end = { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator {
    try {
      for (;;) {
        if (this.#queue.length > 0) yield this.#queue.shift();
        else if (this.#end?.error !== undefined) throw this.#end.error;
        else if (this.#end !== undefined || this.signal?.aborted === true) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
            this.signal?.addEventListener('abort', () => resolve());
          });
        }
      }
    } finally {
      this.returned = true;
    }
  }
}

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(source: Source | DaisError, limits: Partial<StreamLimits> = {}) {
  const clock = new ManualClock();
  const streams = new EventStreams(clock, { streams: 100, streamBufferBytes: 16_384, ...limits });
  const failures: unknown[] = [];
  const server = createServer((_request, response) => {
    const opened = {
      response,
      takeOver: () => ({ 'x-test': '1' }),
      requestId: 'r-1',
      open: async (signal: AbortSignal) => {
        if (source instanceof DaisError) throw source;
        source.signal = signal;
        return source;
      },
      idOf: (frame: unknown) => (frame as { at?: string }).at,
    };
    streams.serve(opened).catch((error: unknown) => {
      failures.push(error);
      if (!response.headersSent) response.writeHead(error instanceof DaisError ? error.status : 500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  const read = async () =>
    await new Promise<Reader>((resolve, reject) => {
      request({ port, host: '127.0.0.1', agent: false }, (response) => resolve(new Reader(response)))
        .once('error', reject)
        .end();
    });
  return { clock, streams, failures, read };
}

class Reader {
  readonly response: IncomingMessage;
  text = '';
  ended = false;

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.once('close', () => {
      this.ended = true;
    });
  }

  flow(): this {
    this.response.on('data', (chunk: string) => {
      this.text += chunk;
    });
    return this;
  }
}

describe('a stream', () => {
  test('sends frames with their ids, and ends after the last one', async () => {
    const source = new Source();
    source.push({ at: 'a-1', n: 1 }, { n: 2 });
    const { read } = await serve(source);
    const reader = (await read()).flow();
    await expect.poll(() => reader.text).toBe('retry: 2000\n\nid: a-1\ndata: {"at":"a-1","n":1}\n\ndata: {"n":2}\n\n');
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-test': '1',
    });
    source.end();
    await expect.poll(() => reader.ended).toBe(true);
    expect(source.returned).toBe(true);
  });

  test('that fails before its first frame is an ordinary response', async () => {
    const source = new Source();
    source.end(new DaisError('cursor_expired', 'too old'));
    const { read } = await serve(source);
    expect((await read()).response.statusCode).toBe(410);
  });

  test('that is not permitted is an ordinary response', async () => {
    const { read } = await serve(new DaisError('forbidden', 'no'));
    expect((await read()).response.statusCode).toBe(403);
  });

  test('starts without a frame if none arrives soon', async () => {
    const source = new Source();
    const { read, clock } = await serve(source);
    let reader: Reader | undefined;
    void read().then((answered) => {
      reader = answered.flow();
    });
    await expect
      .poll(() => {
        clock.advance(100);
        return reader;
      })
      .toBeDefined();
    await expect.poll(() => reader?.text).toBe('retry: 2000\n\n');
  });

  test('that fails later ends with the problem', async () => {
    const source = new Source();
    source.push({ n: 1 });
    const { read } = await serve(source);
    const reader = (await read()).flow();
    source.end(new DaisError('database_unavailable', 'gone'));
    await expect.poll(() => reader.ended).toBe(true);
    expect(reader.text).toMatch(/event: error\ndata: \{.*"code":"database_unavailable".*"requestId":"r-1"\}\n\n$/);
  });

  test('that fails unexpectedly reveals no detail, and rejects with it', async () => {
    const source = new Source();
    source.push({ n: 1 });
    const { read, failures } = await serve(source);
    const reader = (await read()).flow();
    source.end(new Error('secret'));
    await expect.poll(() => reader.ended).toBe(true);
    expect(reader.text).toContain('"code":"internal"');
    expect(reader.text).not.toContain('secret');
    expect(failures).toEqual([new Error('secret')]);
  });

  test('whose queue overflowed is resumed, not restarted', async () => {
    const source = new Source();
    source.push({ n: 1 });
    const { read } = await serve(source);
    const reader = (await read()).flow();
    source.end(new DaisError('cursor_expired', 'too slow'));
    await expect.poll(() => reader.ended).toBe(true);
    expect(reader.text).toContain('"code":"overloaded"');
  });

  test('ends its source when the reader disconnects', async () => {
    const source = new Source();
    source.push({ n: 1 });
    const { read, streams } = await serve(source);
    const reader = await read();
    expect(streams.size).toBe(1);
    reader.response.destroy();
    await expect.poll(() => [streams.size, source.returned, source.signal?.aborted]).toEqual([0, true, true]);
  });

  test('sends keepalives while it is quiet', async () => {
    const source = new Source();
    source.push({ n: 1 });
    const { read, clock } = await serve(source);
    const reader = (await read()).flow();
    await expect.poll(() => reader.text).toContain('data');
    clock.advance(15_000);
    clock.advance(15_000);
    clock.advance(15_000);
    await expect.poll(() => reader.text.split(': \n\n').length - 1).toBe(2);
    expect(reader.text.endsWith('data: {"n":1}\n\n: \n\n: \n\n')).toBe(true);
  });
});

test('serializes a frame once for all readers', async () => {
  let serialized = 0;
  const frame = {
    toJSON: () => {
      serialized++;
      return { n: 1 };
    },
  };
  const sources = [new Source(), new Source(), new Source()];
  const streams = new EventStreams(new ManualClock(), { streams: 10, streamBufferBytes: 16_384 });
  const server = createServer((incoming, response) => {
    const source = sources[Number(incoming.url?.slice(1))]!;
    void streams.serve({
      response,
      takeOver: () => ({}),
      requestId: '',
      open: async (signal) => Object.assign(source, { signal }),
      idOf: () => undefined,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))));
  for (const source of sources) source.push(frame);
  const { port } = server.address() as AddressInfo;
  const readers = await Promise.all(
    sources.map(async (_, index) => {
      const response = await fetch(`http://127.0.0.1:${port}/${index}`);
      return await response.body!.getReader().read();
    }),
  );
  expect(readers).toHaveLength(3);
  await expect.poll(() => serialized).toBe(1);
});

test('a slow reader gets an error to resume from, and uses little memory', async () => {
  const source = new Source();
  const frame = { text: 'x'.repeat(4096) };
  const { read, clock, streams } = await serve(source);
  source.push({ n: 0 });
  const reader = await read();
  reader.response.pause();
  let pulled = 0;
  // More than the buffers of the socket (some MB on loopback) hold.
  const total = 5000;
  source.push(
    ...Array.from({ length: total }, () =>
      Object.defineProperty({ ...frame }, 'toJSON', { value: () => (pulled++, frame) }),
    ),
  );
  let before = -1;
  await expect
    .poll(
      () => {
        const stable = before === pulled && pulled > 0;
        before = pulled;
        return stable;
      },
      { interval: 100 },
    )
    .toBe(true);
  expect(pulled).toBeLessThan(total);
  clock.advance(30_000);
  await expect.poll(() => streams.size).toBe(0);
  reader.flow().response.resume();
  await expect.poll(() => reader.ended).toBe(true);
  expect(reader.text).toMatch(/event: error\ndata: \{.*"code":"overloaded"/);
});

test('limits the number of streams', async () => {
  const source = new Source();
  source.push({ n: 1 }, { n: 2 });
  const { read, failures } = await serve(source, { streams: 1 });
  await read();
  expect((await read()).response.statusCode).toBe(429);
  expect(failures[0]).toMatchObject({ code: 'too_many_streams', retryAfter: 10 });
});

test('a drain ends every stream with a hint to reconnect, and opens none', async () => {
  const source = new Source();
  source.push({ n: 1 });
  const { read, streams } = await serve(source);
  const reader = (await read()).flow();
  await expect.poll(() => reader.text).toContain('data');
  streams.drain();
  await expect.poll(() => reader.ended).toBe(true);
  expect(reader.text).toMatch(/event: error\ndata: \{.*"code":"shutting_down"/);
  expect((await read()).response.statusCode).toBe(503);
});
