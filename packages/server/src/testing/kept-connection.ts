/** A client with one kept connection that writes bytes exactly as given. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface RawResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Decompressed. */
  readonly body: string;
}

export class KeptConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => (this.#received = Buffer.concat([this.#received, bytes])));
    socket.on('error', () => {});
    socket.on('close', () => (this.#isClosed = true));
  }

  static async open(url: string): Promise<KeptConnection> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    return new KeptConnection(socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends JSON and returns the response. `lines`: further header lines. */
  async post(path: string, body: string, lines: readonly string[] = []): Promise<RawResponse> {
    this.write(postBytes(path, body, lines));
    return await this.read();
  }

  /** Returns the next response. @throws Error if the connection closes before it is complete. */
  async read(): Promise<RawResponse> {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      const [first = '', ...lines] = this.#received.toString('latin1', 0, Math.max(0, end)).split('\r\n');
      const headers = new Map(
        lines.map((line) => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
        }),
      );
      const to = end + 4 + Number(headers.get('content-length') ?? 0);
      if (end >= 0 && this.#received.length >= to) {
        const bytes = this.#received.subarray(end + 4, to);
        const body = (headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
        this.#received = this.#received.subarray(to);
        return { status: Number(first.split(' ')[1]), headers, body };
      }
      if (this.#isClosed) throw new Error(`closed after ${JSON.stringify(this.#received.toString('latin1'))}`);
      const waiting = new AbortController();
      const until = async (event: string) => await once(this.#socket, event, { signal: waiting.signal });
      await Promise.race([until('data'), until('close')]).finally(() => waiting.abort());
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

export function postBytes(path: string, body: string, lines: readonly string[] = []): string {
  const head = [
    `POST ${path} HTTP/1.1`,
    ...(lines.some((line) => line.startsWith('host:')) ? [] : ['host: localhost']),
  ];
  return `${[...head, `content-length: ${Buffer.byteLength(body)}`, ...lines, '', ''].join('\r\n')}${body}`;
}
