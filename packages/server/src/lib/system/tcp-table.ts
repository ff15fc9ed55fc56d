/**
 * Owners of TCP sockets on this machine, from /proc/net/tcp and tcp6 (Linux). Unavailable elsewhere. Lines: `sl
 * local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`; addresses are hexadecimal words in the byte
 * order of the machine.
 */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { endianness } from 'node:os';
import { processCommand } from './process-identity.mjs';

export interface TcpSocket {
  /** Hexadecimal as in the table: 8 digits for IPv4, 32 for IPv6. */
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
  readonly state: number;
  readonly uid: number;
  /** 0 once no process has the socket any more; its uid then means nothing. */
  readonly inode: string;
}

const ESTABLISHED = 1;
const FIN_WAIT_1 = 4;
const FIN_WAIT_2 = 5;
const CLOSE_WAIT = 8;
const LAST_ACK = 9;
const LISTEN = 10;
const CONNECTED: ReadonlySet<number> = new Set([ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, LAST_ACK]);

/** Returns whether the handshake is done: only then does the socket belong to the connection we hold the other end of. */
export function isConnected(state: number): boolean {
  return CONNECTED.has(state);
}

/** `localPorts`: lines with other ports are skipped, which is most of the work. */
export function parseTcpTable(text: string, localPorts?: ReadonlySet<number>): TcpSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line): TcpSocket[] => {
      if (localPorts !== undefined && !localPorts.has(localPortOf(line))) return [];
      const [, local, remote, state, , , , uid, , inode] = line.trim().split(/\s+/);
      const here = /^([0-9A-F]+):([0-9A-F]{4})$/.exec(local ?? '');
      const there = /^([0-9A-F]+):([0-9A-F]{4})$/.exec(remote ?? '');
      if (here === null || there === null || state === undefined || uid === undefined || inode === undefined) return [];
      return [
        {
          local: here[1] ?? '',
          localPort: Number.parseInt(here[2] ?? '', 16),
          remote: there[1] ?? '',
          remotePort: Number.parseInt(there[2] ?? '', 16),
          state: Number.parseInt(state, 16),
          uid: Number(uid),
          inode,
        },
      ];
    });
}

function localPortOf(line: string): number {
  const at = line.indexOf(':', line.indexOf(':') + 1) + 1;
  return Number.parseInt(line.slice(at, at + 4), 16);
}

/** The forms in which the table may show an address: a socket of the other family may be used for IPv4. */
export function tableAddresses(address: string): readonly string[] {
  const bytes = addressBytes(address);
  if (bytes === undefined) return [];
  const mapped = bytes.length === 16 && bytes.subarray(0, 12).equals(MAPPED) ? bytes.subarray(12) : undefined;
  const four = bytes.length === 4 ? bytes : mapped;
  return four === undefined ? [words(bytes)] : [words(four), words(Buffer.concat([MAPPED, four]))];
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

function words(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const word = Buffer.from(bytes.subarray(at, at + 4));
    text += (endianness() === 'LE' ? word.reverse() : word).toString('hex').toUpperCase();
  }
  return text;
}

/** Returns the 4 or 16 bytes of an IP address; undefined for other text. */
export function addressBytes(address: string): Buffer | undefined {
  const plain = address.replace(/%.*$/, '');
  if (isIPv4(plain)) return Buffer.from(plain.split('.').map(Number));
  if (!isIPv6(plain)) return undefined;
  // An IPv4 tail (`::ffff:127.0.0.1`) is rewritten as two groups.
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  const four = tail === null ? undefined : Buffer.from((tail[2] ?? '').split('.').map(Number));
  const text =
    four === undefined
      ? plain
      : `${tail?.[1]}${four.readUInt16BE(0).toString(16)}:${four.readUInt16BE(2).toString(16)}`;
  const [head = '', rest] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, index) => bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2));
  return bytes;
}

/** One end of a connection as the other end sees it. */
export interface Connection {
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly ownAddress: string;
  readonly ownPort: number;
}

/** Returns the uid of the peer of a connection within this machine; undefined if the table does not contain it. */
export function peerUid(table: readonly TcpSocket[], connection: Connection): number | undefined {
  const locals = tableAddresses(connection.peerAddress);
  const remotes = tableAddresses(connection.ownAddress);
  const found = table.find(
    (socket) =>
      socket.localPort === connection.peerPort &&
      socket.remotePort === connection.ownPort &&
      isConnected(socket.state) &&
      socket.inode !== '0' &&
      locals.includes(socket.local) &&
      remotes.includes(socket.remote),
  );
  return found?.uid;
}

/** Returns the current table, or its rows with these local ports; empty if there is none. */
export async function readTcpTable(localPorts?: ReadonlySet<number>): Promise<readonly TcpSocket[]> {
  const texts = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  return texts.flatMap((text) => parseTcpTable(text, localPorts));
}

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
