/**
 * Queries the kernel for the owner of one TCP socket: `sock_diag(7)`, constants from linux/inet_diag.h. A query takes 5
 * µs with any number of sockets, whereas reading /proc/net/tcp takes milliseconds. Node cannot create netlink sockets,
 * so a launcher in Perl creates one and becomes the program, which inherits its descriptor.
 */
import { readSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { addressBytes, isConnected, type Connection } from './tcp-table.ts';

const NLM_F_REQUEST = 1;
const SOCK_DIAG_BY_FAMILY = 20;
const IPPROTO_TCP = 6;
const AF_INET = 2;
const AF_INET6 = 10;
/** `struct nlmsghdr`, before both messages. */
const HEADER_BYTES = 16;
/** `struct nlmsghdr` and `struct inet_diag_req_v2`. */
const REQUEST_BYTES = 72;
/** `struct nlmsghdr` and `struct inet_diag_msg`; attributes follow. */
const ANSWER_BYTES = 88;
const ROOM_BYTES = 4096;
const MOST_SEQUENCE = 0xffff_ffff;

const OPTION = '--socket-diagnosis=';

/**
 * AF_NETLINK 16, SOCK_RAW 3, NETLINK_SOCK_DIAG 4, F_SETFL 4, O_NONBLOCK 2048. `$^F` keeps the descriptor open in the
 * program. Without a socket, the program starts without the option.
 */
const LAUNCHER = String.raw`
$^F = 1023;
if (socket my $netlink, 16, 3, 4) {
  push @ARGV, '${OPTION}' . fileno $netlink if fcntl $netlink, 4, 2048;
}
exec { $ARGV[0] } @ARGV;
print STDERR "$ARGV[0] could not be started: $!\n";
exit 127;
`;

/** Returns the command line that starts a program with a socket for queries. */
export function withSocketDiagnosis(perl: string, command: readonly string[]): [string, ...string[]] {
  return [perl, '-e', LAUNCHER, ...command];
}

/** Returns the socket that the launcher has passed to this program; undefined without one. */
export function inheritedSocketDiagnosis(args: readonly string[]): SocketDiagnosis | undefined {
  const option = args.find((one) => one.startsWith(OPTION));
  return option === undefined ? undefined : new SocketDiagnosis(Number(option.slice(OPTION.length)));
}

/** The result of a query. `uid` is undefined if the socket cannot be the peer or no process has it any more. */
export interface SocketOwner {
  readonly uid: number | undefined;
}

export class SocketDiagnosis {
  readonly #descriptor: number;
  readonly #request = Buffer.alloc(REQUEST_BYTES);
  readonly #answer = Buffer.alloc(ROOM_BYTES);
  #sequence = 0;

  /** `descriptor`: of a netlink socket that does not block. */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Returns the owner of the socket at the other end. Undefined if the kernel does not know or does not answer. */
  peerOwner(connection: Connection): SocketOwner | undefined {
    if (!this.#writeRequest(connection)) return undefined;
    try {
      writeSync(this.#descriptor, this.#request);
      // The kernel answers before the write returns. Answers of earlier failed reads are skipped.
      for (;;) {
        const length = readSync(this.#descriptor, this.#answer);
        if (length < HEADER_BYTES || uint32(this.#answer, 8) !== this.#sequence) continue;
        return this.#readAnswer(connection, length);
      }
    } catch {
      // EAGAIN, ENOBUFS, or a kernel that does not permit the query.
      return undefined;
    }
  }

  #writeRequest({ peerAddress, peerPort, ownAddress, ownPort }: Connection): boolean {
    const peer = addressBytes(peerAddress);
    const own = addressBytes(ownAddress);
    if (peer === undefined || own === undefined || peer.length !== own.length) return false;
    this.#sequence = this.#sequence === MOST_SEQUENCE ? 1 : this.#sequence + 1;
    const request = this.#request.fill(0);
    setUint32(request, 0, REQUEST_BYTES);
    setUint16(request, 4, SOCK_DIAG_BY_FAMILY);
    setUint16(request, 6, NLM_F_REQUEST);
    setUint32(request, 8, this.#sequence);
    request[16] = peer.length === 4 ? AF_INET : AF_INET6;
    request[17] = IPPROTO_TCP;
    // All states.
    setUint32(request, 20, 0xffff_ffff);
    // Ports and addresses are in network byte order, as seen by the other end.
    request.writeUInt16BE(peerPort, 24);
    request.writeUInt16BE(ownPort, 26);
    peer.copy(request, 28);
    own.copy(request, 44);
    // INET_DIAG_NOCOOKIE
    request.fill(0xff, 64, 72);
    return true;
  }

  #readAnswer({ peerPort, ownPort }: Connection, length: number): SocketOwner | undefined {
    const answer = this.#answer;
    // Otherwise NLMSG_ERROR: no such socket, or no module for TCP.
    if (length < ANSWER_BYTES || uint16(answer, 4) !== SOCK_DIAG_BY_FAMILY) return undefined;
    // Without an exact match, the kernel returns a socket that listens at the port of the peer.
    const isPeer = answer.readUInt16BE(20) === peerPort && answer.readUInt16BE(22) === ownPort;
    const inode = uint32(answer, 84);
    return { uid: isPeer && isConnected(answer[17] ?? 0) && inode !== 0 ? uint32(answer, 80) : undefined };
  }
}

const isLittle = endianness() === 'LE';

function uint16(bytes: Buffer, at: number): number {
  return isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
}

function uint32(bytes: Buffer, at: number): number {
  return isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

function setUint16(bytes: Buffer, at: number, value: number): void {
  if (isLittle) bytes.writeUInt16LE(value, at);
  else bytes.writeUInt16BE(value, at);
}

function setUint32(bytes: Buffer, at: number, value: number): void {
  if (isLittle) bytes.writeUInt32LE(value, at);
  else bytes.writeUInt32BE(value, at);
}
