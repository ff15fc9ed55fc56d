/** An additional process with its own socket, which runs from the first request of the child until the tree stops. */
import type { Socket } from 'node:net';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { ChildProcess } from '#lib/process.ts';
import { ConnectionBroker } from '#supervisor/connection-broker.ts';
import { listenOn } from '#supervisor/listen-port.ts';
import type { ToChild } from '#supervisor/messages.ts';
import { SupervisedProcess } from '#supervisor/supervised-process.ts';

export interface Helper {
  readonly name: string;
  readonly spawn: () => ChildProcess;
  /** Its setup, evaluated for every start. */
  readonly setup: () => unknown;
  readonly host: string;
  /** Undefined: the first that is free from `first`. */
  readonly port: number | undefined;
  readonly first: number;
  /** Answers and closes a connection for which there is no room to wait. */
  readonly refuse: (socket: Socket) => void;
  /** Sockets in addition to its main one, by name. */
  readonly further?: Readonly<Record<string, Pick<Helper, 'port' | 'first' | 'refuse'>>>;
}

export interface HelperEnvironment {
  readonly heldConnections: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly output: (chunk: Buffer) => void;
  readonly onForward: (from: string, to: string, body: unknown) => void;
  /** Its socket listens. */
  readonly onPort: (name: string, port: number) => void;
}

/** Between two tries to start what does not start. */
const RESTART_MS = 10_000;

export class HelperProcess {
  readonly #helper: Helper;
  readonly #around: HelperEnvironment;
  readonly #broker: ConnectionBroker;
  readonly #further: ReadonlyMap<string, ConnectionBroker>;
  readonly #process: SupervisedProcess;
  #isRequested = false;
  #port: number | undefined;
  #stopping = false;
  #cancelAgain: (() => void) | undefined;

  constructor(helper: Helper, around: HelperEnvironment) {
    this.#helper = helper;
    this.#around = around;
    this.#broker = new ConnectionBroker({ heldConnections: around.heldConnections, refuse: helper.refuse });
    this.#further = new Map(
      Object.entries(helper.further ?? {}).map(([name, { refuse }]) => [
        name,
        new ConnectionBroker({ heldConnections: around.heldConnections, refuse }),
      ]),
    );
    this.#process = new SupervisedProcess({
      ...around,
      name: helper.name,
      spawn: helper.spawn,
      setup: async () => await Promise.resolve(helper.setup()),
      onPhase: () => {},
      onReady: () => this.#connect(),
      onGone: () => {
        for (const broker of this.#brokers()) broker.disconnect();
      },
      onTook: (id, at) => (at === undefined ? this.#broker : this.#further.get(at))?.took(id),
      onForward: (to, body) => around.onForward(helper.name, to, body),
    });
  }

  get name(): string {
    return this.#helper.name;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get port(): number | undefined {
    return this.#port;
  }

  /** Idempotent. */
  want(): void {
    if (this.#isRequested || this.#stopping) return;
    this.#isRequested = true;
    void this.#start();
  }

  send(message: ToChild): void {
    this.#process.send(message);
  }

  /** Announces the end. It still accepts connections. */
  giveNotice(): void {
    this.#process.send({ type: 'notice' });
  }

  close(): void {
    this.#stopping = true;
    this.#cancelAgain?.();
    if (this.#port === undefined) return;
    for (const broker of this.#brokers()) broker.close();
  }

  async stop(drainMs: number): Promise<void> {
    this.close();
    if (this.#isRequested) await this.#process.stop(drainMs);
    for (const broker of this.#brokers()) broker.refuseWaiting();
  }

  kill(): void {
    this.#process.kill();
  }

  #brokers(): readonly ConnectionBroker[] {
    return [this.#broker, ...this.#further.values()];
  }

  #connect(): void {
    this.#broker.connect((id, socket) => this.#process.send({ type: 'connection', id }, socket));
    for (const [at, broker] of this.#further) {
      broker.connect((id, socket) => this.#process.send({ type: 'connection', id, at }, socket));
    }
  }

  async #start(): Promise<void> {
    const { name, host, port, first, further = {} } = this.#helper;
    const { log, clock } = this.#around;
    try {
      if (this.#port === undefined) {
        const listening = await listenOn(
          async (at, candidate) => await this.#broker.listen(at, candidate),
          host,
          port,
          first,
        );
        for (const [at, socket] of Object.entries(further)) {
          const broker = this.#further.get(at);
          const listen = async (on: string, candidate: number) => (await broker?.listen(on, candidate)) ?? candidate;
          await listenOn(listen, host, socket.port, socket.first);
        }
        this.#port = listening;
        if (this.#stopping) {
          this.close();
          return;
        }
        this.#around.onPort(name, listening);
      }
      await this.#process.start();
    } catch (error) {
      if (this.#stopping) return;
      log.error(`${name} could not be started`, { error, againInMs: RESTART_MS });
      this.#cancelAgain = clock.after(RESTART_MS, () => void this.#start());
    }
  }
}
