/** The quickstart as a process, for tests: on data and keys in a folder of theirs. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { root } from './command.mjs';
import { environment } from './environment.mjs';

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

export interface QuickstartProcess {
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  /** As Ctrl-C does. */
  interrupt(): void;
}

/** Ctrl-C is pressed once, when `until` has been printed. */
export function startQuickstart(folder: string, args: readonly string[], until?: string): QuickstartProcess {
  const child = spawn('node', ['tools/quickstart.mjs', '--data', join(folder, 'data'), ...args], {
    cwd: root,
    env: { ...environment, DAIS_KEYS_FOLDER: join(folder, 'keys') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let pressed = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (!pressed && until !== undefined && output.includes(until)) pressed = child.kill('SIGINT');
    });
  }
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
  return { ended, interrupt: () => void child.kill('SIGINT') };
}
