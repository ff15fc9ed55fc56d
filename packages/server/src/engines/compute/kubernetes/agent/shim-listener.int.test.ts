/** Hostile processes at the socket of the agent: the command of a pod can connect to it. */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { start } from '#lib/process.ts';
import type { ShimConnection, ShimEvents } from './shim-connection.ts';
import { listenForShim, type ShimListener, type ShimListenerOptions } from './shim-listener.ts';
import { encodeShimFrame } from './shim-protocol.ts';
import { SECRET } from './shim.testing.ts';

describe('a hostile process at the socket', () => {
  let folder: string;
  let listener: ShimListener;
  let sockets: Socket[];
  let refused: string[];
  let events: string[];
  let clock: ManualClock;
  const hello = (changes: object = {}) => {
    const message = { version: 1, pid: 1, uid: 0, gid: 0, architecture: 'amd64', workingFolder: '/', variables: 0 };
    const rest = { resumes: false, acknowledged: 0, ...changes };
    return encodeShimFrame('hello', Buffer.from(JSON.stringify({ ...message, ...rest })));
  };

  async function listen(changes: Partial<ShimListenerOptions> = {}): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), 'dais-socket-'));
    [sockets, refused, events, clock] = [[], [], [], new ManualClock()];
    const record = (name: keyof ShimEvents) => (value: unknown) =>
      void events.push(typeof value === 'string' ? `${name}: ${value}` : name);
    listener = await listenForShim({
      path: join(folder, 's'),
      clock,
      events: {
        started: record('started'),
        output: record('output'),
        terminating: record('terminating'),
        exited: record('exited'),
        failed: record('failed'),
        gone: record('gone'),
      },
      refused: (reason) => refused.push(reason),
      ...changes,
    });
  }
  afterEach(async () => {
    listener.close();
    for (const socket of sockets) socket.destroy();
    await rm(folder, { recursive: true, force: true });
  });

  async function dial(...frames: readonly Buffer[]): Promise<Socket> {
    const socket = connect(join(folder, 's'));
    sockets.push(socket);
    socket.on('error', () => {});
    socket.resume();
    await once(socket, 'connect');
    for (const frame of frames) socket.write(frame);
    return socket;
  }

  test.each([
    ['no frame', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /unknown type/],
    ['a large frame', Buffer.from([0, 0, 1, 1, 3]), /257 bytes, more than 32/],
    ['a huge frame', Buffer.from([255, 255, 255, 255, 2]), /more than 1048576/],
    ['output', encodeShimFrame('output', Buffer.alloc(1)), /first message is `output`/],
    ['another version', hello({ version: 2 }), /version 2 instead of 1/],
    ['a wrong number of variables', hello({ variables: 1 }), /0 variables instead of 1/],
    ['no object', encodeShimFrame('hello', Buffer.from('[]')), /not an object/],
    ['no JSON', encodeShimFrame('hello', Buffer.from('{')), /not JSON/],
    ['a wrong field', hello({ pid: -1 }), /no valid field `pid`/],
    ['a command', hello({ resumes: true }), /has a command already/],
  ])('is refused when it sends %s', async (_name, bytes, words) => {
    await listen();
    const socket = await dial(bytes);
    await once(socket, 'close');
    expect(refused).toEqual([expect.stringMatching(words)]);
    expect(events).toEqual([]);
    await dial(hello());
    expect((await listener.accepted).hello).toMatchObject({ architecture: 'amd64', variables: {} });
  });

  test('finds no socket after the shim was accepted', async () => {
    await listen();
    const waiting = await dial();
    await dial(hello());
    await listener.accepted;
    await once(waiting, 'close');
    expect(existsSync(join(folder, 's'))).toBe(false);
  });

  test('cannot keep the shim out', async () => {
    await listen({ resume: { secret: SECRET, acknowledged: 0 } });
    for (let count = 0; count < 40; count++) await dial();
    await expect.poll(() => refused.length).toBe(24);
    const socket = await dial(hello(), encodeShimFrame('proof', Buffer.alloc(32)));
    await once(socket, 'close');
    expect(refused.at(-1)).toBe('it has no command');
    clock.advance(10_000);
    await expect.poll(() => refused.filter((reason) => /did not arrive within/.test(reason)).length).toBe(15);
  });

  test.each([
    ['repeats its greeting', [hello()], 'the shim sent `hello` at the wrong time'],
    [
      'reports a start without a command',
      [encodeShimFrame('started', Buffer.from('{"pid":2,"startedAt":1}'))],
      'the shim sent `started` at the wrong time',
    ],
    [
      'sends output without a command',
      [encodeShimFrame('output', Buffer.alloc(9))],
      'the shim sent `output` at the wrong time',
    ],
    ['ends inside a frame', [Buffer.from([0, 0, 0])], 'the shim ended inside a frame'],
  ] as const)('is disconnected when it %s', async (_name, frames, reason) => {
    await listen();
    const socket = await dial(hello());
    await listener.accepted;
    for (const frame of frames) socket.write(frame);
    socket.end();
    await expect.poll(() => events).toEqual([`gone: ${reason}`]);
  });

  const started = encodeShimFrame('started', Buffer.from('{"pid":2,"startedAt":1}'));
  const order = { command: ['x'], variables: {}, workingFolder: '/', graceMs: 1, secret: SECRET } as const;
  const ignore = () => {};
  const silent: ShimEvents = {
    started: ignore,
    output: ignore,
    terminating: ignore,
    exited: ignore,
    failed: ignore,
    gone: ignore,
  };
  async function running(): Promise<{ readonly socket: Socket; readonly connection: ShimConnection }> {
    await listen();
    const socket = await dial(hello());
    const connection = await listener.accepted;
    connection.run(order);
    socket.write(started);
    return { socket, connection };
  }

  test('is disconnected when it sends more output than the window', async () => {
    const { socket } = await running();
    for (let count = 0; count < 17; count++) socket.write(encodeShimFrame('output', Buffer.alloc(65_536)));
    await expect.poll(() => events.at(-1)).toMatch(/gone: the shim sent more than 1048576 bytes/);
    expect(events.filter((event) => event === 'output')).toHaveLength(16);
  });

  test('leaves all its output when it is killed, although acknowledgments fail then', async () => {
    for (let round = 0; round < 20; round++) {
      let connection: ShimConnection | undefined;
      let received = 0;
      const output = (bytes: Buffer) => {
        received += bytes.length;
        connection?.acknowledge(received);
      };
      await listen({ events: { ...silent, output, gone: (reason) => events.push(reason) } });
      // It does not read what the agent sends, so its end resets the connection.
      const socket = connect({ path: join(folder, 's'), onread: { buffer: Buffer.alloc(1), callback: () => false } });
      sockets.push(socket);
      socket.write(hello());
      connection = await listener.accepted;
      connection.run(order);
      socket.write(started);
      // The agent acknowledges after four of them.
      for (let count = 0; count < 5; count++) socket.write(encodeShimFrame('output', Buffer.alloc(65_536)));
      socket.write(encodeShimFrame('output', Buffer.alloc(100)), () => socket.destroy());
      await expect.poll(() => events, { interval: 5 }).toEqual(['the shim ended']);
      expect(received).toBe(5 * 65_536 + 100);
      listener.close();
      await rm(folder, { recursive: true });
    }
  });

  test('leaves the output that it writes and its end while the agent stores other output', async () => {
    const received: string[] = [];
    const ends: string[] = [];
    let connection: ShimConnection | undefined;
    const waitForEnd = () => {
      writeFileSync(join(folder, 'go'), '');
      // Blocks this process, as the agent does while it stores output: until the process has ended, before Node notices it.
      while (!/^State:\tZ/m.test(readFileSync(`/proc/${peer.pid}/status`, 'utf8')));
    };
    const output = (bytes: Buffer, position: number) => {
      if (received.length === 0) waitForEnd();
      received.push(bytes.toString());
      connection?.acknowledge(position + bytes.length);
    };
    await listen({ events: { ...silent, output, gone: (reason) => ends.push(reason) } });
    const text = (words: string) => encodeShimFrame('output', Buffer.from(words));
    const frames = [hello(), Buffer.concat([started, text('before\n')]), text('MemoryError\n')];
    const script = [
      'my ($path, $folder, @frames) = @ARGV;',
      'my $socket = IO::Socket::UNIX->new($path) or die;',
      'for my $index (0 .. 2) {',
      '  select undef, undef, undef, 0.01 until -e "$folder/" . ("", "ordered", "go")[$index];',
      '  syswrite $socket, pack("H*", $frames[$index]);',
      '}',
      'kill "KILL", $$;',
    ];
    const words = [join(folder, 's'), folder, ...frames.map((frame) => frame.toString('hex'))];
    const peer = start('perl', ['-MIO::Socket::UNIX', '-e', script.join('\n'), ...words], { stdio: 'ignore' });
    connection = await listener.accepted;
    connection.run(order);
    await writeFile(join(folder, 'ordered'), '');
    await expect.poll(() => ends, { interval: 5 }).toEqual(['the shim ended']);
    expect(received).toEqual(['before\n', 'MemoryError\n']);
  });

  test('is disconnected when its end contradicts its output', async () => {
    const { socket } = await running();
    const end = {
      code: 0,
      startedAt: 1,
      endedAt: 2,
      wallMs: 1,
      cpuMs: 1,
      maxRssBytes: 1,
      outputBytes: 5,
      killed: false,
    };
    socket.write(encodeShimFrame('exited', Buffer.from(JSON.stringify({ ...end, hasSurvivors: false }))));
    await expect.poll(() => events.at(-1)).toBe('gone: the shim sent 0 bytes of output instead of 5');
    expect(events).not.toContain('exited');
  });

  test('runs one command', async () => {
    const { connection } = await running();
    expect(() => connection.run(order)).toThrow(/runs one command/);
    await expect.poll(() => events).toEqual(['started']);
    expect(() => connection.acknowledge(1)).toThrow(/only 0 bytes/);
    connection.close();
    connection.close();
    await once(sockets.at(-1)!, 'close');
    expect(events).toEqual(['started']);
  });

  test('does not replace a socket path that is too long', async () => {
    await listen();
    await expect(listenForShim({ path: `/tmp/${'x'.repeat(103)}`, clock, events: {} as ShimEvents })).rejects.toThrow(
      /107 bytes/,
    );
  });

  test('replaces the socket of a killed agent', async () => {
    await listen();
    const second = await listenForShim({ path: join(folder, 's'), clock, events: {} as ShimEvents });
    await dial(hello());
    expect((await second.accepted).hello.pid).toBe(1);
    expect((await readFile('/proc/net/unix', 'utf8')).includes(folder)).toBe(true);
    (await second.accepted).close();
  });
});
