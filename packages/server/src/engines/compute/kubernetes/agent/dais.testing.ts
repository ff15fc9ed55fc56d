/** A Dais for one agent, in memory, behind a real HTTP server. It checks what the agent sends as the real one relies on it. */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  AGENT_PATH,
  type AgentOrder,
  type BeatRequest,
  type BeatResponse,
  type BeginRequest,
  type BeginResponse,
  type EndRecord,
} from '../agent-api.ts';

export interface StoredOutput {
  readonly bytes: Buffer;
  /** How often it was stored. */
  readonly times: number;
}

type Reply = readonly [status: number, body?: object | Buffer];

export class TestDais {
  readonly order: AgentOrder;
  readonly inputs: readonly Buffer[];
  readonly token = randomUUID();
  session: string = randomUUID();
  /** Answers before `go`, in this order. */
  readonly answers: BeginResponse[] = [];
  readonly begins: BeginRequest[] = [];
  readonly beats: BeatRequest[] = [];
  readonly outputs = new Map<number, StoredOutput>();
  /** What must not happen. */
  readonly violations: string[] = [];
  /** Positions of parts after dropped output. */
  readonly gaps: number[] = [];
  ends = 0;
  end: EndRecord | undefined;
  isGone = false;
  /** Called before a call is answered; `true`: its connection is closed instead. */
  intercept: (method: string, path: string) => boolean | undefined | Promise<boolean | undefined> = () => undefined;
  #log: Buffer = Buffer.alloc(0);
  /** Position of the first byte of `#log`. */
  #logStart = 0;
  #order: BeatResponse['order'];
  #isFollowed = false;
  #server: Server | undefined;
  #port = 0;
  #waiting: (() => void)[] = [];

  constructor(order: AgentOrder, inputs: readonly Buffer[] = []) {
    this.order = order;
    this.inputs = inputs;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}${AGENT_PATH}`;
  }

  /** The log after the last gap. */
  get log(): string {
    return this.#log.toString('latin1');
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Dais is away: connections are refused until `start`. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#notify();
    server?.closeAllConnections();
    if (server?.listening === true) await new Promise((resolve) => server.close(resolve));
  }

  command(order: BeatResponse['order']): void {
    this.#order = order;
    this.#notify();
  }

  follow(isFollowed: boolean): void {
    this.#isFollowed = isFollowed;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const path = url.slice(AGENT_PATH.length);
    try {
      const body = await buffer(request);
      if ((await this.intercept(method, path)) === true) return void request.socket.destroy();
      const token = (headers.authorization ?? '').replace('Bearer ', '');
      const [status, reply] = await this.#reply(method, path, token, body);
      response.writeHead(status);
      response.end(reply === undefined || Buffer.isBuffer(reply) ? reply : JSON.stringify(reply));
    } catch {
      // The agent was killed.
      request.socket.destroy();
    }
  }

  async #reply(method: string, path: string, token: string, body: Buffer): Promise<Reply> {
    if (path === '/begin') return this.#begin(token, body);
    if (token !== this.session) return [401, { reason: 'The session is not valid.' }];
    if (this.isGone) return [410, { reason: 'Another pod runs the command.' }];
    const [, name, number = ''] = /^\/(\w+)(?:\/(\d+))?(?:\?gap)?$/.exec(path) ?? [];
    switch (`${method} ${name}`) {
      case 'POST beat':
        return await this.#beat(JSON.parse(body.toString()) as BeatRequest);
      case 'GET inputs':
        return [200, this.inputs[Number(number)] ?? Buffer.alloc(0)];
      case 'PUT log':
        return this.#appendLog(Number(number), body, path.endsWith('?gap'));
      case 'PUT outputs': {
        const { times = 0 } = this.outputs.get(Number(number)) ?? {};
        this.outputs.set(Number(number), { bytes: body, times: times + 1 });
        return [204];
      }
      case 'POST end':
        return this.#end(JSON.parse(body.toString()) as EndRecord);
      default:
        this.violations.push(`unknown call ${method} ${path}`);
        return [404, {}];
    }
  }

  #begin(token: string, body: Buffer): Reply {
    if (token !== this.token) return [401, { reason: 'The token is not valid.' }];
    this.begins.push(JSON.parse(body.toString()) as BeginRequest);
    const answer = this.answers.shift();
    const go = { answer: 'go', session: this.session, order: this.order, at: Date.now() } as const;
    return [200, answer ?? go];
  }

  async #beat(beat: BeatRequest): Promise<Reply> {
    this.beats.push(beat);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const timer = setTimeout(resolve, beat.waitMs);
    if (this.#order !== undefined) resolve();
    await promise;
    clearTimeout(timer);
    if (this.#server === undefined) throw new Error('away');
    const order = this.#order === undefined ? {} : { order: this.#order };
    return [200, { ...order, followed: this.#isFollowed, nextMs: this.#isFollowed ? 1000 : 10_000 }];
  }

  #appendLog(position: number, bytes: Buffer, isGap: boolean): Reply {
    const end = this.#logStart + this.#log.length;
    if (position > end && !isGap) return [409, { position: end }];
    if (position > end) {
      this.gaps.push(position);
      [this.#log, this.#logStart] = [bytes, position];
      return [204];
    }
    const known = this.#log.subarray(position - this.#logStart, position - this.#logStart + bytes.length);
    if (!bytes.subarray(0, known.length).equals(known)) this.violations.push(`other bytes at ${position}`);
    this.#log = Buffer.concat([this.#log, bytes.subarray(known.length)]);
    return [204];
  }

  #end(end: EndRecord): Reply {
    for (const { key, sha256, size } of end.outputs) {
      const stored = this.outputs.get(key);
      if (stored === undefined) return [409, { reason: `Output ${key} was not sent.` }];
      const digest = createHash('sha256').update(stored.bytes).digest('hex');
      if (digest !== sha256 || stored.bytes.length !== size) this.violations.push(`other bytes of output ${key}`);
    }
    if (end.log.position !== this.#logStart + this.#log.length) this.violations.push('the log is not complete');
    this.ends += 1;
    this.end = end;
    return [204];
  }
}
