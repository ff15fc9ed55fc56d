/** Azurite, Microsoft's emulator of Azure Storage, which tests the Azure blob store. Listens on a free loopback port, in memory. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmPeer } from '../../tools/npm-peer.mjs';
import { startPeerProcess } from '../peer-process.ts';

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
  const { pid, found, stop } = await startPeerProcess(
    'Azurite',
    [process.execPath, '--import', END_WITH_PARENT, program, ...args, ...secure],
    {
      ready: /successfully listen(?:s|ing)? on (https?:\/\/127\.0\.0\.1:\d+)/i,
      env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` },
    },
  );
  return { url: `${found[1]}/${ACCOUNT}`, account: ACCOUNT, accountKey: KEY, pid, stop };
}
