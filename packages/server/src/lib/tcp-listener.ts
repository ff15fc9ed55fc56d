import { readdir, readlink } from 'node:fs/promises';
import { processCommand } from '#lib/process-identity.ts';
import { LISTEN, readTcpTable, tableAddresses } from '#lib/tcp-table.ts';

export interface Listener {
  readonly pid: number;
  readonly command: string;
}

/** Returns the process that listens on a port of this machine; undefined if there is none or it is not visible. */
export async function tcpListener(port: number): Promise<Listener | undefined> {
  const inodes = (await readTcpTable())
    .filter((socket) => socket.state === LISTEN && socket.localPort === port)
    .map((socket) => `socket:[${socket.inode}]`);
  if (inodes.length === 0) return undefined;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    // Processes of others hide their descriptors from all but root.
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (inodes.includes(target)) return { pid: Number(pid), command: processCommand(Number(pid)) };
    }
  }
  return undefined;
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const [plain] = tableAddresses(host.replace(/^::ffff:/i, ''));
  return (
    (plain !== undefined && host.replace(/^::ffff:/i, '').startsWith('127.')) || plain === tableAddresses('::1')[0]
  );
}
