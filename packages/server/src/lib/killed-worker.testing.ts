import { once } from 'node:events';
import { startModule } from './module-program.testing.ts';

export interface KilledWorker {
  /** The file with the worker. */
  readonly module: URL;
  /** Its export: works for ever on `setup`, with a source of random numbers, and writes a line of JSON before or after each deed. */
  readonly name: string;
  readonly setup: unknown;
  /** SIGKILL once so many lines were said. */
  readonly killAfter: number;
}

/**
 * What a worker in a process of its own said before it was killed. A line is said before or after the deed, never at the
 * same moment. @throws Error when it ended by itself.
 */
export async function linesUntilKilled<Line>({ module, name, setup, killAfter }: KilledWorker): Promise<Line[]> {
  const statement = `await program.${name}(JSON.parse(process.argv[2]), Math.random);`;
  const child = await startModule({ module, statement, argument: setup, stdout: 'pipe', stderr: 'pipe' });
  let said = '';
  let complaint = '';
  child.stderr!.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8')));
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.split('\n').length > killAfter) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`the worker ended by itself: ${complaint}`);
  return said
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}
