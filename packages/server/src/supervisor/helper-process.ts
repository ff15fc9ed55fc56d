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
  readonly #process: SupervisedProcess;
  #isRequested = false;
  #port: number | undefined;
  #stopping = false;
  #cancelAgain: (() => void) | undefined;

  constructor(helper: Helper, around: HelperEnvironment) {
    this.#helper = helper;
    this.#around = around;
    this.#broker = new ConnectionBroker({ heldConnections: around.heldConnections, refuse: helper.refuse });
    this.#process = new SupervisedProcess({
      ...around,
      name: helper.name,
      spawn: helper.spawn,
      setup: async () => await Promise.resolve(helper.setup()),
      onPhase: () => {},
      onReady: () => this.#broker.connect((id, socket) => this.#process.send({ type: 'connection', id }, socket)),
      onGone: () => this.#broker.disconnect(),
      onTook: (id) => this.#broker.took(id),
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
    if (this.#port !== undefined) this.#broker.close();
  }

  async stop(drainMs: number): Promise<void> {
    this.close();
    if (this.#isRequested) await this.#process.stop(drainMs);
    this.#broker.refuseWaiting();
  }

  kill(): void {
    this.#process.kill();
  }

  async #start(): Promise<void> {
    const { name, host, port, first } = this.#helper;
    const { log, clock } = this.#around;
    try {
      if (this.#port === undefined) {
        const listening = await listenOn(
          async (at, candidate) => await this.#broker.listen(at, candidate),
          host,
          port,
          first,
        );
        if (this.#stopping) return;
        this.#port = listening;
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
