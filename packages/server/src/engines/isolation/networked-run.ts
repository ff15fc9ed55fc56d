/**
 * Runs a program in its boundary to completion, with a proxy as its only network: this process receives connections to one port
 * of its loopback device. The program waits until that port is open.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { IsolatedEnd, IsolatedProcess, IsolatedRun, Isolation } from './contract.ts';
import { findOnPath } from '#lib/system/find-on-path.ts';
import { Relay } from './relay.ts';

export interface NetworkedRunOptions {
  readonly isolation: Isolation;
  /** The run; its network is replaced. Needs a boundary with namespaces. */
  readonly run: IsolatedRun;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** PATH of the machine, for the program that opens the port. */
  readonly path: string;
  readonly port: number;
  readonly accept: (socket: Socket) => void;
  readonly signal?: AbortSignal | undefined;
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
  /** Called every second. Returns why the run must end; undefined: it continues. */
  readonly check?: (() => Promise<string | undefined>) | undefined;
}

/** Reports that it runs, waits for the continue line, and executes the program. */
const WAIT = 'printf r >&3; read -r _ <&3; exec 3>&-; exec "$@"';
const CHECK_MS = 1000;

export async function runNetworked(options: NetworkedRunOptions): Promise<IsolatedEnd> {
  const { isolation, run, port, signal } = options;
  signal?.throwIfAborted();
  const started = await isolation.start(
    { ...run, command: ['sh', '-c', WAIT, 'dais-wait', ...run.command], network: { type: 'ports', ports: [port] } },
    { variables: options.variables, hasSocket: true, onOutput: options.onOutput },
  );
  started.ref();
  const abort = () => started.kill('its start was canceled');
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  const stopChecks = checkOften(started, options.check);
  let relay: Relay | undefined;
  try {
    relay = await openRelay(started, options);
    return await started.ended;
  } catch (error) {
    started.kill('its network ports could not be opened');
    await started.ended;
    throw error;
  } finally {
    relay?.close();
    stopChecks();
    signal?.removeEventListener('abort', abort);
  }
}

/** Undefined when the run has already ended. */
async function openRelay(
  started: IsolatedProcess,
  { path, port, accept }: NetworkedRunOptions,
): Promise<Relay | undefined> {
  const { socket } = started;
  if (socket === undefined) throw new Error('the waiting run has no socket');
  const isWaiting = await Promise.race([firstByte(socket), started.ended.then(() => false)]);
  if (!isWaiting) return undefined;
  const member = started.networkPid();
  if (member === undefined) throw new Error('the run has no network namespace');
  const reach = [{ port, accept: (connection: Socket) => accept(connection) }];
  const relay = await Relay.open(member, { path, perl: findOnPath('perl', path), attempt: String(started.pid), reach });
  socket.end('\n');
  return relay;
}

async function firstByte(socket: Duplex): Promise<boolean> {
  return await new Promise((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

function checkOften(started: IsolatedProcess, check: NetworkedRunOptions['check']): () => void {
  if (check === undefined) return () => {};
  let isChecking = false;
  const timer = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    void check().then(
      (reason) => {
        isChecking = false;
        if (reason !== undefined) started.kill(reason);
      },
      () => (isChecking = false),
    );
  }, CHECK_MS);
  return () => clearInterval(timer);
}
