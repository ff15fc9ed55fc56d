/** Azurite, Microsoft's emulator of Azure Storage, which tests the Azure blob store. Listens on a free loopback port, in memory. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmPeer } from '../../tools/npm-peer.mjs';

export interface Azurite {
  /** `http://127.0.0.1:PORT/ACCOUNT` */
  readonly url: string;
  readonly account: string;
  readonly accountKey: string;
  readonly pid: number;
  /** SIGKILL, then waits for the end. Idempotent. */
  stop(): Promise<void>;
}

export interface AzuriteOptions {
  /** Default: any free port. */
  readonly port?: number;
  /** PEM files: serves HTTPS and accepts access tokens of Microsoft Entra ID, whose signature it does not check. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

const ACCOUNT = 'daistest';
/** Ends the server with the process that started it, also when that one is killed. */
const END_WITH_PARENT = "data:text/javascript,process.stdin.on('end', () => process.exit()).resume()";
const KEY = Buffer.from('a key of the emulator, not a secret').toString('base64');

export async function startAzurite({ port = 0, tls }: AzuriteOptions = {}): Promise<Azurite> {
  const modules = await npmPeer('azurite', fileURLToPath(new URL('.', import.meta.url)));
  const program = join(modules, 'azurite', 'dist', 'src', 'blob', 'main.js');
  const secure = tls === undefined ? [] : ['--cert', tls.cert, '--key', tls.key, '--oauth', 'basic'];
  const args = ['--blobPort', String(port), '--blobHost', '127.0.0.1', '--inMemoryPersistence', '--disableTelemetry'];
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, program, ...args, ...secure], {
    cwd: '/',
    env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const origin = await new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-10_000);
      const found = /successfully listen(?:s|ing)? on (https?:\/\/127\.0\.0\.1:\d+)/i.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`Azurite ended with code ${code}:\n${output}`)));
  });
  return { url: `${origin}/${ACCOUNT}`, account: ACCOUNT, accountKey: KEY, pid: child.pid!, stop };
}
