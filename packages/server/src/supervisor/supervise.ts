/**
 * The process tree on one machine: a service that the program needs (restarted when it exits), one child that does the
 * work, and the sockets that outlive both.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { ChildProcess } from '#lib/process.ts';
import { ConnectionBroker } from '#supervisor/connection-broker.ts';
import { HelperProcess, type Helper } from '#supervisor/helper-process.ts';
import { listenOn } from '#supervisor/listen-port.ts';
import { SupervisedProcess } from '#supervisor/supervised-process.ts';

/** An additional process that the child needs. */
export interface Service {
  readonly ended: Promise<{ readonly wasRequested: boolean; readonly detail: string }>;
  stop(): Promise<void>;
}

/** A socket in addition to the main one, on the same host. */
export interface FurtherSocket {
  readonly name: string;
  /** Undefined: the first that is free from `first`. */
  readonly port: number | undefined;
  readonly first: number;
  /** Answers and closes a connection for which there is no room to wait. */
  readonly refuse: (socket: Socket) => void;
}

/** Ports of the additional sockets, by name. */
export type FurtherPorts = Readonly<Record<string, number>>;

export interface SuperviseDependencies<S extends Service> {
  readonly host: string;
  readonly port: number | undefined;
  readonly further?: readonly FurtherSocket[];
  /** Processes that start with the first request of the child. */
  readonly helpers?: readonly Helper[];
  readonly startService: () => Promise<S>;
  readonly spawnChild: () => ChildProcess;
  /** What the child is given, once the service runs and the port is known. */
  readonly setup: (service: S, port: number) => unknown;
  readonly heldConnections: number;
  readonly refuse: (socket: Socket) => void;
  /** From the notice of the end to the processes until connections are no longer accepted. */
  readonly noticeMs: number;
  readonly drainMs: number;
  /** For the work of the child after the drain: it collects what its helpers have written. */
  readonly lastWorkMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly output: (chunk: Buffer) => void;
  readonly onPhase: (name: string, ms: number) => void;
}

export interface Supervised<S extends Service> {
  readonly port: number;
  readonly further: FurtherPorts;
  /** As last started. */
  readonly service: S;
  readonly childPid: number | undefined;
  helperPid(name: string): number | undefined;
  /** Sends the setup to the child again, for changes at run time. */
  reload(): void;
  /** Drains and ends everything. Idempotent. */
  stop(): Promise<void>;
  /** Ends the child immediately, without a drain. */
  force(): void;
}

const LONGEST_PAUSE_MS = 30_000;
/** The name of the child in logs and messages. */
const CHILD = 'control';

/**
 * Starts everything; resolves when the child is ready. What was started is stopped again when something fails.
 * @throws DaisError `address_in_use`, what the service cannot start for, what the child cannot start for.
 */
export async function supervise<S extends Service>(dependencies: SuperviseDependencies<S>): Promise<Supervised<S>> {
  const tree = new ProcessTree(dependencies);
  try {
    await tree.start();
  } catch (error) {
    await tree.stop();
    throw error;
  }
  return tree;
}

class ProcessTree<S extends Service> implements Supervised<S> {
  readonly #dependencies: SuperviseDependencies<S>;
  readonly #broker: ConnectionBroker;
  readonly #further: ReadonlyMap<string, ConnectionBroker>;
  readonly #furtherPorts: Record<string, number> = {};
  readonly #child: SupervisedProcess;
  readonly #helpers: readonly HelperProcess[];
  #port = 0;
  #service: Promise<S> | undefined;
  #running: S | undefined;
  #stopping: Promise<void> | undefined;
  #wakeRestart: (() => void) | undefined;
  #endNotice: (() => void) | undefined;
  #isForced = false;

  constructor(dependencies: SuperviseDependencies<S>) {
    this.#dependencies = dependencies;
    this.#broker = new ConnectionBroker(dependencies);
    this.#further = new Map(
      (dependencies.further ?? []).map(({ name, refuse }) => [name, new ConnectionBroker({ ...dependencies, refuse })]),
    );
    this.#child = new SupervisedProcess({
      ...dependencies,
      name: CHILD,
      spawn: dependencies.spawnChild,
      setup: async () => dependencies.setup(await this.#currentService(), this.#port),
      onReady: () => this.#connect(),
      onGone: () => {
        for (const broker of this.#brokers()) broker.disconnect();
      },
      onTook: (id, at) => (at === undefined ? this.#broker : this.#further.get(at))?.took(id),
      onWant: (name) => this.#want(name),
      onForward: (to, body) => this.#forward(CHILD, to, body),
    });
    this.#helpers = (dependencies.helpers ?? []).map(
      (helper) =>
        new HelperProcess(helper, {
          ...dependencies,
          onForward: (from, to, body) => this.#forward(from, to, body),
          onPort: (name, port) => this.#sendPort(name, port),
        }),
    );
  }

  get port(): number {
    return this.#port;
  }

  get further(): FurtherPorts {
    return this.#furtherPorts;
  }

  get service(): S {
    if (this.#running === undefined) throw new Error('the service has not started');
    return this.#running;
  }

  get childPid(): number | undefined {
    return this.#child.pid;
  }

  helperPid(name: string): number | undefined {
    return this.#helper(name)?.pid;
  }

  async start(): Promise<void> {
    const { dependencies } = { dependencies: this.#dependencies };
    this.#port = await listenOn((host, port) => this.#broker.listen(host, port), dependencies.host, dependencies.port);
    for (const { name, port, first } of dependencies.further ?? []) {
      const broker = this.#further.get(name);
      const listen = async (host: string, candidate: number) => (await broker?.listen(host, candidate)) ?? candidate;
      this.#furtherPorts[name] = await listenOn(listen, dependencies.host, port, first);
    }
    const startedAt = dependencies.clock.now();
    // The child loads its code while the service starts.
    this.#service = this.#startService();
    const service = this.#service.then(() => dependencies.onPhase('database', dependencies.clock.now() - startedAt));
    const child = this.#child.start();
    // The error of the service is more specific than the child's.
    child.catch(() => {});
    await service;
    await child;
  }

  reload(): void {
    const setup = this.#running === undefined ? undefined : this.#dependencies.setup(this.#running, this.#port);
    if (setup !== undefined) this.#child.send({ type: 'reload', setup });
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  force(): void {
    this.#isForced = true;
    this.#endNotice?.();
    this.#child.kill();
    for (const helper of this.#helpers) helper.kill();
  }

  #helper(name: string): HelperProcess | undefined {
    return this.#helpers.find((one) => one.name === name);
  }

  #want(name: string): void {
    const helper = this.#helper(name);
    helper?.want();
    // A restarted child needs the messages again.
    if (helper?.port !== undefined) this.#sendPort(name, helper.port);
  }

  #forward(from: string, to: string, body: unknown): void {
    const message = { type: 'message', from, body } as const;
    if (to === CHILD) this.#child.send(message);
    else this.#helper(to)?.send(message);
  }

  #sendPort(name: string, port: number): void {
    this.#child.send({ type: 'message', from: 'supervisor', body: { helper: name, port } });
  }

  async #stop(): Promise<void> {
    this.#wakeRestart?.();
    await this.#giveNotice();
    for (const broker of this.#brokers()) broker.close();
    const { drainMs, lastWorkMs } = this.#dependencies;
    const helpers = this.#helpers.map(async (helper) => {
      await helper.stop(drainMs);
      this.#child.send({ type: 'message', from: 'supervisor', body: { helper: helper.name, hasEnded: true } });
    });
    await Promise.all([this.#child.stop(drainMs, lastWorkMs), ...helpers]);
    for (const broker of this.#brokers()) broker.refuseWaiting();
    const service = await this.#service?.catch(() => undefined);
    await service?.stop();
  }

  /** Load balancers and clients need a moment to send their requests elsewhere. */
  async #giveNotice(): Promise<void> {
    const { noticeMs, clock } = this.#dependencies;
    if (noticeMs === 0 || this.#isForced || this.#child.pid === undefined) return;
    this.#child.send({ type: 'notice' });
    for (const helper of this.#helpers) helper.giveNotice();
    await new Promise<void>((resolve) => {
      const cancel = clock.after(noticeMs, resolve);
      this.#endNotice = () => {
        cancel();
        resolve();
      };
    });
  }

  #brokers(): readonly ConnectionBroker[] {
    return [this.#broker, ...this.#further.values()];
  }

  #connect(): void {
    this.#broker.connect((id, socket) => this.#child.send({ type: 'connection', id }, socket));
    for (const [at, broker] of this.#further) {
      broker.connect((id, socket) => this.#child.send({ type: 'connection', id, at }, socket));
    }
  }

  async #currentService(): Promise<S> {
    if (this.#service === undefined) throw new Error('the service was not started');
    return await this.#service;
  }

  async #startService(): Promise<S> {
    const service = await this.#dependencies.startService();
    this.#running = service;
    void service.ended.then(({ wasRequested, detail }) => {
      if (wasRequested || this.#stopping !== undefined) return;
      this.#dependencies.log.error('the database exited and is being restarted', { detail });
      this.#service = this.#restartService();
      this.#service.catch(() => {});
    });
    return service;
  }

  async #restartService(): Promise<S> {
    for (let pause = 100; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        const service = await this.#startService();
        this.#dependencies.log.info('the database is running again');
        return service;
      } catch (error) {
        if (this.#stopping !== undefined) throw error;
        this.#dependencies.log.error('the database could not be started', { error, againInMs: pause });
      }
      await new Promise<void>((resolve) => {
        this.#wakeRestart = resolve;
        this.#dependencies.clock.after(pause, resolve);
      });
    }
  }
}
