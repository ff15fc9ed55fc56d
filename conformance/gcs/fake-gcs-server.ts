/** fake-gcs-server, an emulator of Google Cloud Storage, which tests its blob store. Listens on a loopback port, in memory. */
import { fileURLToPath } from 'node:url';
import { goPeer } from '../../tools/go-peer.mjs';
import { freePort, startPeerProcess } from '../peer-process.ts';

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
  const command = [program, '-backend', 'memory', '-scheme', 'http', ...place] as const;
  const { pid, stop } = await startPeerProcess('fake-gcs-server', command, { ready: /server started at/ });
  return { url, pid, stop };
}
