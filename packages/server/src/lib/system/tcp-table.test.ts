import { endianness } from 'node:os';
import { describe, expect, test } from 'vitest';
import { parseTcpTable, peerUid, tableAddresses } from '#lib/system/tcp-table.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (local: string, remote: string, state: string, uid: number, inode: number) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000 ${uid}        0 ${inode} 1 0000000000000000 20 4 30 10 -1`;

// Words are in the byte order of the machine; these lines are from little-endian ones.
describe.runIf(endianness() === 'LE')('the table of a little-endian machine', () => {
  const LOOPBACK = '0100007F';
  const connection = { peerAddress: '127.0.0.1', peerPort: 40_000, ownAddress: '127.0.0.1', ownPort: 7070 };
  const own = `${LOOPBACK}:1B9E`;
  const peer = `${LOOPBACK}:9C40`;

  test('addresses in both families', () => {
    expect(tableAddresses('127.0.0.1')).toEqual([LOOPBACK, `0000000000000000FFFF0000${LOOPBACK}`]);
    expect(tableAddresses('::ffff:127.0.0.1')).toEqual(tableAddresses('127.0.0.1'));
    expect(tableAddresses('::1')).toEqual(['00000000000000000000000001000000']);
    expect(tableAddresses('fe80::1%eth0')).toEqual(['000080FE000000000000000001000000']);
    expect(tableAddresses('nonsense')).toEqual([]);
  });

  test('the line of the peer contains the uid, the local line does not', () => {
    const table = parseTcpTable([HEAD, line(own, peer, '01', 1, 11), line(peer, own, '01', 1001, 12)].join('\n'));
    expect(peerUid(table, connection)).toBe(1001);
    expect(peerUid(table, { ...connection, peerPort: 40_001 })).toBeUndefined();
  });

  test('a socket without a process is ignored: its uid reads 0', () => {
    const table = parseTcpTable([HEAD, line(peer, own, '05', 0, 0)].join('\n'));
    expect(peerUid(table, connection)).toBeUndefined();
  });

  test('a socket that is only trying to connect from the same port is not the peer', () => {
    const table = parseTcpTable([HEAD, line(peer, own, '02', 0, 13)].join('\n'));
    expect(peerUid(table, connection)).toBeUndefined();
  });

  test('rows with other local ports are skipped on request', () => {
    const table = [HEAD, line(own, peer, '01', 1, 11), line(peer, own, '01', 1001, 12)].join('\n');
    expect(parseTcpTable(table, new Set([40_000]))).toEqual(parseTcpTable(table).slice(1));
    expect(parseTcpTable(`${HEAD}\n\ngarbage\n`, new Set([40_000]))).toEqual([]);
  });

  test('an IPv4 peer may use a socket of the other family', () => {
    const [, mapped] = tableAddresses('127.0.0.1');
    const table = parseTcpTable([HEAD, line(`${mapped}:9C40`, `${mapped}:1B9E`, '01', 1002, 14)].join('\n'));
    expect(peerUid(table, connection)).toBe(1002);
  });
});

test('lines that are none are passed over', () => {
  expect(parseTcpTable(`${HEAD}\n\ngarbage\n 1: x y z\n`)).toEqual([]);
});
