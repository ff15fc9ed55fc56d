import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '#lib/process.ts';
import type { Binaries } from './binaries.ts';
import { clusterArgument, SERVER_ENVIRONMENT } from './cluster.ts';
import { isRunning, readPostmasterFile, type PostmasterFile } from './postmaster-file.ts';
import type { ServerUser } from './server-user.ts';

/** A running postmaster, started by this process or by an earlier Dais. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;
}

export interface LaunchOptions {
  readonly binaries: Binaries;
  readonly cluster: string;
  readonly user: ServerUser | undefined;
  readonly logFile: string;
}

/** Starts the server and returns immediately; it may not accept connections yet. */
export async function launchServer(options: LaunchOptions): Promise<ServerProcess> {
  const { binaries, cluster, user, logFile } = options;
  const command = [path.join(binaries.folder, 'postgres'), '-D', clusterArgument(cluster, user)];
  const setpriv = await findSetpriv();
  // A file, not a pipe: a busy or dead supervisor never blocks a backend that logs.
  const log = openSync(logFile, 'a', 0o600);
  try {
    // PR_SET_PDEATHSIG: when this process dies, the kernel sends SIGINT, and PostgreSQL shuts down cleanly. setpriv sets it
    // after the change of user, which would clear it. Without setpriv (macOS, old util-linux) the server survives and the next
    // start adopts it.
    const [file, ...args] =
      setpriv === undefined ? command : [setpriv, ...userArguments(user), '--pdeathsig', 'INT', ...command];
    const child = start(file!, args, {
      ...(setpriv === undefined ? user : undefined),
      cwd: cluster,
      env: SERVER_ENVIRONMENT,
      stdio: ['ignore', log, log],
      // A separate session: a Ctrl-C in the terminal must not end it while requests complete.
      detached: true,
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`it could not be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    return { pid: child.pid ?? 0, ended };
  } finally {
    closeSync(log);
  }
}

export function userArguments(user: ServerUser | undefined): string[] {
  return user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
}

/** setpriv of util-linux, if it supports --pdeathsig (since 2.33). */
export async function findSetpriv(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  for (const file of ['/usr/bin/setpriv', '/bin/setpriv']) {
    const help = await run(file, ['--help'], { timeoutMs: 5_000 });
    if (help.stdout.includes('--pdeathsig')) return file;
  }
  return undefined;
}

/** Polls a server that is not a child process and cannot be waited for. */
export function watchServer(cluster: string, file: PostmasterFile): ServerProcess {
  return { pid: file.pid, ended: untilGone(cluster, file) };
}

const WATCH_MS = 250;

async function untilGone(cluster: string, file: PostmasterFile): Promise<string> {
  for (;;) {
    if (!(await isRunning(file))) return 'it ended while Dais was not its parent process';
    const now = await readPostmasterFile(cluster);
    if (now === undefined || now.pid !== file.pid) return 'it was shut down';
    await delay(WATCH_MS, undefined, { ref: false });
  }
}
