/** Watches: endless responses that survive broken connections. */
import { DaisError } from '#errors.ts';
import type { Problem } from '#errors.ts';
import { EventStreamParser, type ServerSentEvent } from '#client/event-stream.ts';
import { errorOfNetwork, errorOfProblem } from '#client/failures.ts';
import type { CallOptions, Transport } from '#client/transport.ts';

export interface StreamRequest {
  readonly path: string;
  readonly query: CallOptions['query'];
  /** Where to start; from now when absent. */
  readonly from: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called with the reason of each reconnection. */
  readonly onReconnect: ((error: DaisError) => void) | undefined;
}

/**
 * The frames of a watch. A broken connection is resumed from the last received position, so that nothing is missed or
 * repeated; a stream that was never open fails after the attempts of a request. @throws DaisError `cursor_expired` when
 * the position has expired, and permanent errors.
 */
export async function* resumeStream<T>(transport: Transport, request: StreamRequest): AsyncGenerator<T> {
  let position = request.from;
  let failures = 0;
  let opened = false;
  for (;;) {
    request.signal?.throwIfAborted();
    try {
      const query = { ...request.query, watch: true, resourceVersion: position };
      for await (const event of readStream(transport, request.path, query, request.signal)) {
        if (event === 'open') {
          opened = true;
          continue;
        }
        failures = 0;
        if (event.event === 'error') throw errorOfProblem(JSON.parse(event.data) as Problem);
        if (event.id !== undefined) position = event.id;
        if (event.event === 'message') yield JSON.parse(event.data) as T;
      }
      throw new DaisError('server_unreachable', `${transport.address} closed the stream.`);
    } catch (error) {
      request.signal?.throwIfAborted();
      failures++;
      const wait = transport.waitAfter(error, failures);
      if (wait === undefined || (!opened && failures >= OPENING_ATTEMPTS)) throw error;
      request.onReconnect?.(error as DaisError);
      await transport.sleep(wait, request.signal);
    }
  }
}

const OPENING_ATTEMPTS = 4;

/** One connection. `open` comes first, when the response head has arrived. */
async function* readStream(
  transport: Transport,
  path: string,
  query: CallOptions['query'],
  outer: AbortSignal | undefined,
): AsyncGenerator<ServerSentEvent | 'open'> {
  const abort = new AbortController();
  const stop = () => abort.abort(outer?.reason);
  outer?.addEventListener('abort', stop, { once: true });
  try {
    const silence = new SilenceTimer(transport, abort);
    const response = await silence.guard(transport.open(path, query, abort.signal));
    yield 'open';
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    const parser = new EventStreamParser();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await silence.guard(readPiece(reader, transport.address, abort.signal));
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    outer?.removeEventListener('abort', stop);
    abort.abort(new DaisError('server_unreachable', 'The stream was closed by the client.'));
  }
}

async function readPiece(reader: ReadableStreamDefaultReader<Uint8Array>, address: string, signal: AbortSignal) {
  try {
    return await reader.read();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw errorOfNetwork(error, address);
  }
}

/** The server sends a heartbeat every 15 s; a connection without any is broken, even without an error. */
class SilenceTimer {
  readonly #transport: Transport;
  readonly #abort: AbortController;

  constructor(transport: Transport, abort: AbortController) {
    this.#transport = transport;
    this.#abort = abort;
  }

  async guard<T>(step: Promise<T>): Promise<T> {
    const { address, timeoutMs } = this.#transport;
    const timer = setTimeout(() => {
      const text = `${address} sent no data for ${timeoutMs / 1000} s.`;
      this.#abort.abort(new DaisError('server_unreachable', text));
    }, timeoutMs);
    try {
      return await step;
    } finally {
      clearTimeout(timer);
    }
  }
}
