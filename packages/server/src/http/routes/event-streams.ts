/**
 * Server-sent events: endless responses of watch operations. Frames are shared objects and serialized once for all
 * watchers. A slow reader blocks only its own stream, for which the kernel queues references. A reader that stays
 * behind receives a final `error` event, and resumes from its last event ID.
 */
import type { ServerResponse } from 'node:http';
import { DaisError, toProblem } from '@dais/api';
import type { Clock } from '#lib/clock.ts';

export interface StreamLimits {
  /** Limit of open streams of this process. */
  readonly streams: number;
  /** Limit of bytes that wait for one reader. */
  readonly streamBufferBytes: number;
}

export interface OpenStream {
  readonly response: ServerResponse;
  /** Called before the first byte: takes over the response from the framework and returns further headers. */
  readonly takeOver: () => Readonly<Record<string, string>>;
  readonly requestId: string;
  /** Starts the frames; they end when the signal aborts. */
  readonly open: (signal: AbortSignal) => Promise<AsyncIterable<unknown>>;
  /** Returns the position to resume from of a frame. */
  readonly idOf: (frame: unknown) => string | undefined;
}

/** Interval of keepalive comments on a quiet stream: proxies close connections that are silent for 60 s. */
const HEARTBEAT_MS = 15_000;
/** How long a full buffer may stay full. */
const STALL_MS = 30_000;
/** How long the headers wait for the first frame, so that an error while opening can be an ordinary response. */
const FIRST_FRAME_MS = 100;
/** How long the last bytes may take to be sent after a stream has ended. */
const LINGER_MS = 5000;

export class EventStreams {
  readonly #clock: Clock;
  readonly #limits: StreamLimits;
  readonly #open = new Set<Stream>();
  readonly #frames = new WeakMap<object, Buffer>();
  #draining = false;
  #cancelBeat: (() => void) | undefined;

  constructor(clock: Clock, limits: StreamLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Sends a stream until the reader, the frames or the server end. Rejects with a DaisError only before data is sent;
   * with other errors also later, after the stream has ended.
   * @throws DaisError `too_many_streams`, `shutting_down`, and the errors of `open` and of the first frame.
   */
  async serve(request: OpenStream): Promise<void> {
    if (this.#draining) throw new DaisError('shutting_down', 'The server is shutting down.');
    if (this.#open.size >= this.#limits.streams) {
      throw new DaisError(
        'too_many_streams',
        `The limit of ${this.#limits.streams} open streams is reached. Retry later.`,
        { retryAfter: 10 },
      );
    }
    const stream = new Stream(request.response, this.#limits.streamBufferBytes, this.#clock);
    this.#open.add(stream);
    this.#beat();
    try {
      const frames = (await request.open(stream.signal))[Symbol.asyncIterator]();
      const first = frames.next();
      await settledWithin(first, FIRST_FRAME_MS, this.#clock);
      if (stream.signal.aborted) return;
      stream.begin({
        ...request.takeOver(),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx would otherwise buffer the stream.
        'x-accel-buffering': 'no',
      });
      await this.#pump(stream, request, frames, first);
    } finally {
      stream.abort();
      this.#open.delete(stream);
    }
  }

  /** Ends every stream with a hint to reconnect; new streams are rejected. */
  drain(): void {
    this.#draining = true;
    this.#cancelBeat?.();
    for (const stream of this.#open)
      stream.end(problemFrame(new DaisError('shutting_down', 'The server is shutting down.')));
  }

  async #pump(
    stream: Stream,
    request: OpenStream,
    frames: AsyncIterator<unknown>,
    first: Promise<IteratorResult<unknown>>,
  ): Promise<void> {
    let hasStarted = false;
    try {
      for (let next = await first; next.done !== true; next = await frames.next()) {
        hasStarted = true;
        if (stream.signal.aborted) return;
        if (!(await stream.write(this.#serialize(next.value, request.idOf)))) {
          stream.end(problemFrame(slow(), request.requestId));
          return;
        }
      }
      stream.end();
    } catch (error) {
      if (!(error instanceof DaisError)) {
        stream.end(problemFrame(new DaisError('internal', ''), request.requestId));
        throw error;
      }
      // After the first frame, an expired position means that the queue overflowed: the position is valid, so the
      // client can resume.
      const reported = hasStarted && error.code === 'cursor_expired' ? slow() : error;
      stream.end(problemFrame(reported, request.requestId));
    } finally {
      stream.abort();
      await frames.return?.();
    }
  }

  #serialize(frame: unknown, idOf: OpenStream['idOf']): Buffer {
    const known = this.#frames.get(frame as object);
    if (known !== undefined) return known;
    const id = idOf(frame);
    const bytes = Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(frame)}\n\n`);
    this.#frames.set(frame as object, bytes);
    return bytes;
  }

  #beat(): void {
    if (this.#cancelBeat !== undefined) return;
    this.#cancelBeat = this.#clock.after(HEARTBEAT_MS, () => {
      this.#cancelBeat = undefined;
      for (const stream of this.#open) stream.beat();
      if (this.#open.size > 0 && !this.#draining) this.#beat();
    });
  }
}

function slow(): DaisError {
  return new DaisError(
    'overloaded',
    'The client read the stream more slowly than events arrived. Resume from the last event ID.',
  );
}

function problemFrame(error: DaisError, requestId?: string): string {
  return `event: error\ndata: ${JSON.stringify(toProblem(error, requestId))}\n\n`;
}

/** Waits for a promise with a time limit; throws its error if it rejects in time. */
async function settledWithin(promise: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.after(ms, resolve);
    const settle = (act: () => void) => {
      cancel();
      act();
    };
    promise.then(
      () => settle(resolve),
      (error: unknown) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
    );
  });
}

/** One connection. */
class Stream {
  readonly #response: ServerResponse;
  readonly #bufferBytes: number;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  #begun = false;
  #ended = false;
  #quiet = true;

  constructor(response: ServerResponse, bufferBytes: number, clock: Clock) {
    this.#response = response;
    this.#bufferBytes = bufferBytes;
    this.#clock = clock;
    response.once('close', () => this.#abort.abort());
    response.on('error', () => this.#abort.abort());
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  abort(): void {
    this.#abort.abort();
  }

  begin(headers: Readonly<Record<string, string>>): void {
    this.#begun = true;
    this.#response.writeHead(200, headers);
    // `retry`: the reconnection delay of browsers.
    this.#response.write('retry: 2000\n\n');
  }

  /** Resolves when the buffer has room; false if the reader stays too far behind. */
  async write(bytes: Buffer): Promise<boolean> {
    if (this.#ended) return true;
    this.#quiet = false;
    this.#response.write(bytes);
    if (this.#response.writableLength <= this.#bufferBytes) return true;
    return await new Promise<boolean>((resolve) => {
      const settle = (roomy: boolean) => {
        cancel();
        this.#response.off('drain', onDrain);
        this.signal.removeEventListener('abort', onAbort);
        resolve(roomy);
      };
      const onDrain = () => settle(true);
      const onAbort = () => settle(true);
      const cancel = this.#clock.after(STALL_MS, () => settle(false));
      this.#response.once('drain', onDrain);
      this.signal.addEventListener('abort', onAbort);
    });
  }

  /** A comment prevents proxies and readers from closing a quiet stream. */
  beat(): void {
    if (this.#begun && !this.#ended && this.#quiet && !this.#response.writableNeedDrain) this.#response.write(': \n\n');
    this.#quiet = true;
  }

  end(last = ''): void {
    this.#abort.abort();
    if (this.#ended || !this.#begun) return;
    this.#ended = true;
    this.#response.end(last);
    const cancel = this.#clock.after(LINGER_MS, () => this.#response.destroy());
    this.#response.once('close', cancel);
  }
}
