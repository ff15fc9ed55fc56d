/** For tests: a server of another system on a port of its own, with the processes that it starts. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '#lib/process.ts';

export interface PeerServer {
  readonly url: string;
  stop(): Promise<void>;
}

const POLL_MS = 200;

/** `args` receives as many free ports as it declares; ready when the first one responds at `ready`. */
export async function startPeer(
  program: string,
  args: (ports: readonly number[]) => readonly string[] | Promise<readonly string[]>,
  { ready, env = {}, cwd }: { readonly ready: string; readonly env?: Record<string, string>; readonly cwd: string },
): Promise<PeerServer> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const child = start(program, await args(ports), {
    cwd,
    env: { PATH: '/usr/bin:/bin', HOME: cwd, LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const ended = once(child, 'close');
  const url = `http://127.0.0.1:${ports[0]}`;
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
    await ended;
  };
  while (child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(`${url}${ready}`).catch(() => undefined);
    if (answer?.ok === true) return { url, stop };
    await delay(POLL_MS);
  }
  throw new Error(`${program} exited before it responded:\n${output.slice(-4000)}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
