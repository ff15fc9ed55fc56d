/** fake-gcs-server, an emulator of Google Cloud Storage, which tests its blob store. Listens on a loopback port, in memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { goPeer } from '../../tools/go-peer.mjs';

export interface FakeGcs {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly pid: number;
  /** SIGKILL, then waits for the end. Idempotent. */
  stop(): Promise<void>;
}

export async function startFakeGcs(): Promise<FakeGcs> {
  const program = await goPeer('github.com/fsouza/fake-gcs-server', fileURLToPath(new URL('.', import.meta.url)));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const place = [
    '-host',
    '127.0.0.1',
    '-port',
    String(port),
    '-external-url',
    url,
    '-public-host',
    `127.0.0.1:${port}`,
  ];
  const child = spawn(program, ['-backend', 'memory', '-scheme', 'http', ...place], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  // The server ends with this process, unless it is killed with SIGKILL.
  process.once('exit', () => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-10_000);
      if (output.includes('server started at')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`fake-gcs-server ended with code ${code}:\n${output}`)));
  });
  return { url, pid: child.pid!, stop };
}

/** The server cannot choose a port itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
