import { once } from 'node:events';
import { startModule } from '#lib/module-program.testing.ts';

export interface KilledWorker {
  /** The file with the worker. */
  readonly module: URL;
  /** Its export: works for ever on `setup`, with a source of random numbers, and writes a line of JSON before or after each deed. */
  readonly name: string;
  readonly setup: unknown;
  /** Sends SIGKILL after so many lines. */
  readonly killAfter: number;
}

/**
 * The output of a worker process until it was killed. The worker writes a line before or after an action, never during
 * it. @throws Error if it exited on its own.
 */
export async function linesUntilKilled<Line>({ module, name, setup, killAfter }: KilledWorker): Promise<Line[]> {
  const statement = `await program.${name}(JSON.parse(process.argv[2]), Math.random);`;
  const child = await startModule({ module, statement, argument: setup, stdout: 'pipe', stderr: 'pipe' });
  let output = '';
  let complaint = '';
  child.stderr!.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8')));
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > killAfter) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`the worker ended by itself: ${complaint}`);
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}
