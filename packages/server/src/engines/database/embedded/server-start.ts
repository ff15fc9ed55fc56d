/** Starts and stops the server of a cluster. */
import { setTimeout as delay } from 'node:timers/promises';
import { DaisError } from '@dais/api/errors';
import type { Binaries } from './binaries.ts';
import { diskFull, isDiskFull, writeClusterFile } from './cluster.ts';
import { isRunning, POSTMASTER_FILE, readPostmasterFile } from './postmaster-file.ts';
import { serverState } from './readiness.ts';
import { truncateLog, logSize, logTail } from './server-log.ts';
import { launchServer, watchServer, type ServerProcess } from './server-process.ts';
import type { ServerUser } from './server-user.ts';
import { accessText, configurationText, type Settings } from './settings.ts';
import { removeSocketFolder, SOCKET_PORT } from './socket-folder.ts';

export interface ServerPlan {
  readonly binaries: Binaries;
  readonly cluster: string;
  readonly user: ServerUser | undefined;
  readonly socketFolder: string;
  readonly settings: Settings;
  readonly logFile: string;
  readonly timeoutMs: number;
  readonly report: (step: string) => void;
}

export interface StartedServer {
  readonly process: ServerProcess;
  readonly host: string;
  readonly port: number;
}

/** After `kill -9` of a postmaster its children end shortly; until then the next one cannot start. */
const STALE_LOCK_MS = 15_000;
const POLL_MS = 10;
const SLOW_POLL_MS = 100;
const REPORT_AFTER_MS = 2_000;
/**
 * A fast shutdown writes a checkpoint: seconds at most, but it never ends on a full disk. After this time the server gets an
 * immediate shutdown, and recovers at its next start.
 */
const STOP_TIMEOUT_MS = 30_000;
/** Above the highest pid of Linux (2^22): a process with it never exists. */
const NO_PID = 4_194_305;

/**
 * Handles a server of a killed supervisor: adopts it when it responds, waits for it when it is stopping, and ends it when it
 * does neither for `patienceMs` (see stopServer). Returns undefined when there is none.
 * @throws DaisError `data_locked` when it cannot be ended.
 */
export async function findLiveServer(
  cluster: string,
  report: (step: string) => void,
  patienceMs = 10_000,
): Promise<StartedServer | undefined> {
  const file = await readPostmasterFile(cluster);
  if (file === undefined) return undefined;
  const address = { host: file.socketFolder, port: file.port };
  const since = Date.now();
  for (let checks = 0; await isRunning(file); checks += 1) {
    const state = await serverState(address);
    if (state === 'ready') return { process: watchServer(cluster, file), ...address };
    // Its socket was removed (a cleaned temporary folder), so it is unreachable.
    if (state === 'unreachable') signal(file.pid, 'SIGINT');
    const waited = Date.now() - since;
    if (waited > patienceMs) signal(file.pid, 'SIGQUIT');
    if (waited > STOP_TIMEOUT_MS) {
      throw new DaisError(
        'data_locked',
        `The data in ${cluster} is in use by process ${file.pid}, a PostgreSQL server that neither responds nor stops.`,
      );
    }
    if (checks === 0) report(`Waiting for the PostgreSQL of an earlier start (process ${file.pid}) to stop`);
    await delay(SLOW_POLL_MS);
  }
  return undefined;
}

/**
 * Starts the server on its cluster and waits until it accepts connections.
 * @throws DaisError `storage_full`, `database_unavailable` with the end of its log.
 */
export async function startServer(plan: ServerPlan): Promise<StartedServer> {
  const { cluster, user, logFile } = plan;
  await writeConfiguration(plan);
  await releaseStalePid(cluster, user);
  await truncateLog(logFile);
  const address = { host: plan.socketFolder, port: SOCKET_PORT };
  const since = Date.now();
  for (;;) {
    const from = await logSize(logFile);
    const process = await launchServer(plan);
    const failure = await untilReady(process, plan);
    if (failure === undefined) return { process, ...address };
    const output = await logTail(logFile, from);
    const stale = /lock file "[^"]*" already exists|pre-existing shared memory block/.test(output);
    if (!stale || Date.now() - since > STALE_LOCK_MS) {
      await removeSocketFolder(plan.socketFolder);
      if (isDiskFull(output)) throw diskFull(cluster, output);
      throw new DaisError('database_unavailable', `PostgreSQL did not start (${failure}). Its log:\n${output}`);
    }
    await delay(SLOW_POLL_MS);
  }
}

async function writeConfiguration({ cluster, user, settings, socketFolder }: ServerPlan): Promise<void> {
  try {
    const complete = { ...settings, unix_socket_directories: socketFolder };
    await writeClusterFile(cluster, 'postgresql.conf', configurationText(complete), user);
    await writeClusterFile(cluster, 'pg_hba.conf', accessText(), user);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
      throw diskFull(cluster, `No space left on device: ${error.message}`);
    }
    throw error;
  }
}

/** Returns undefined when the server accepts connections, otherwise the reason. */
async function untilReady(server: ServerProcess, plan: ServerPlan): Promise<string | undefined> {
  let ended: string | undefined;
  void server.ended.then((how) => {
    ended = how;
  });
  const since = Date.now();
  let reported = false;
  for (;;) {
    const state = await serverState({ host: plan.socketFolder, port: SOCKET_PORT });
    if (ended !== undefined) return ended;
    if (state === 'ready') return undefined;
    const waited = Date.now() - since;
    if (waited > plan.timeoutMs) {
      await stopServer({ process: server, host: plan.socketFolder, port: SOCKET_PORT });
      return 'it did not accept connections in time';
    }
    if (!reported && waited > REPORT_AFTER_MS) {
      plan.report('PostgreSQL is recovering from an unclean shutdown');
      reported = true;
    }
    await delay(waited < REPORT_AFTER_MS ? POLL_MS : SLOW_POLL_MS);
  }
}

/**
 * Stops the server cleanly, which may take as long as a checkpoint. A server in recovery has nothing to write and is stopped
 * immediately: PostgreSQL 17 can hang when a fast shutdown arrives during recovery.
 */
export async function stopServer({ process: server, host, port }: StartedServer): Promise<void> {
  let ended = false;
  const end = server.ended.then(() => {
    ended = true;
  });
  const ready = (await serverState({ host, port })) === 'ready';
  signal(server.pid, ready ? 'SIGINT' : 'SIGQUIT');
  const impatient = new AbortController();
  await Promise.race([end, delay(STOP_TIMEOUT_MS, undefined, { signal: impatient.signal }).catch(() => {})]);
  impatient.abort();
  if (!ended) signal(server.pid, 'SIGQUIT');
  await end;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, name);
  } catch {
    // It has already ended.
  }
}

/**
 * PostgreSQL does not start while the pid in a stale file is in use, even by another program. This process owns the data lock,
 * so it is not a server of this cluster, and the pid is replaced with one that cannot exist. The file stays: PostgreSQL uses
 * its shared memory key to find backends that outlived their postmaster.
 */
async function releaseStalePid(cluster: string, user: ServerUser | undefined): Promise<void> {
  const file = await readPostmasterFile(cluster);
  if (file === undefined || (await isRunning(file))) return;
  const text = [String(NO_PID), ...file.lines.slice(1)].join('\n');
  await writeClusterFile(cluster, POSTMASTER_FILE, text, user);
}
