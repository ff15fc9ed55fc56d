/** Programs that the command line starts: git, an editor, a browser. */
import { spawn } from 'node:child_process';

export interface ProgramResult {
  /** 127 when the program could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** SIGKILL after this timeout; default 10 s. */
  readonly timeoutMs?: number;
}

/** Runs a program with closed input to its end. Never rejects. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  return await new Promise((resolve) => {
    const child = spawn(file, [...args], {
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      env: { ...options.variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 10_000);
    const finish = (code: number, reason = '') => {
      clearTimeout(timer);
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
      resolve({ code, stdout: text(stdout), stderr: reason === '' ? text(stderr) : reason });
    };
    child.once('error', (error) => finish(127, error.message));
    child.once('close', (code) => finish(code ?? 1));
  });
}

/**
 * Runs a program in the terminal through a shell, because `$EDITOR` can contain arguments. Resolves to its exit code.
 */
export async function runOnTerminal(
  command: string,
  file: string,
  variables: ProgramOptions['variables'],
): Promise<number> {
  return await new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', `${command} "$1"`, 'sh', file], { env: { ...variables }, stdio: 'inherit' });
    child.once('error', () => resolve(127));
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** Starts a program that outlives this one; true when it could be started. */
export async function startDetached(
  file: string,
  args: readonly string[],
  variables: ProgramOptions['variables'],
): Promise<boolean> {
  return await new Promise((resolve) => {
    const child = spawn(file, [...args], { env: { ...variables }, stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
