import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { start } from '#lib/process.ts';
import { supervise, type FurtherSocket, type Service, type Supervised } from '#supervisor/supervise.ts';
import { killProcess } from '#testing/dais-process.ts';

/** A child that responds to every connection with its pid, and behaves as its setup specifies. */
const CHILD = `
  const net = require('node:net');
  let mode, open = 0;
  process.on('message', (message, socket) => {
    if (message.type === 'start' || message.type === 'reload') {
      mode = message.setup;
      if (mode.fail) process.send({ type: 'failed', problem: { code: 'data_version', detail: mode.fail } }, () => process.exit(1));
      else if (mode.crash) { console.error(mode.crash); process.exit(3); }
      else if (message.type === 'start') { process.send({ type: 'phase', name: 'work', ms: 1 }); process.send({ type: 'ready' }); }
    }
    if (message.type === 'connection') {
      process.send({ type: 'took', id: message.id, at: message.at });
      open++;
      socket.on('data', () => socket.end(String(process.pid) + ' ' + (message.at ?? mode.word ?? '')));
      socket.on('error', () => {});
      socket.on('close', () => open--);
    }
    if (message.type === 'notice') mode = { ...mode, word: 'ending' };
    if (message.type === 'drain') {
      if (mode.stubborn) return;
      const timer = setInterval(() => { if (open === 0) process.exit(0); }, 5);
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ type: 'loaded' });
`;

const running: Supervised<Service>[] = [];
afterEach(async () => {
  for (const tree of running.splice(0)) {
    tree.force();
    await tree.stop();
  }
});

interface Options {
  readonly setup?: Record<string, unknown>;
  readonly heldConnections?: number;
  readonly startService?: () => Promise<Service>;
  readonly noticeMs?: number;
  readonly drainMs?: number;
  readonly further?: readonly FurtherSocket[];
}

async function tree(options: Options = {}) {
  const state = { setup: options.setup ?? {}, refused: 0, output: '', phases: [] as string[] };
  const supervised = await supervise<Service>({
    host: '127.0.0.1',
    port: 0,
    further: options.further ?? [],
    startService: options.startService ?? (async () => ({ ended: new Promise(() => {}), stop: async () => {} })),
    spawnChild: () => start(process.execPath, ['-e', CHILD], { env: {}, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }),
    setup: () => state.setup,
    heldConnections: options.heldConnections ?? 100,
    refuse: (socket) => {
      state.refused++;
      socket.end('busy');
    },
    noticeMs: options.noticeMs ?? 0,
    drainMs: options.drainMs ?? 5000,
    lastWorkMs: 100,
    clock: systemClock,
    log: silentLog,
    output: (chunk) => {
      state.output += chunk.toString('utf8');
    },
    onPhase: (name) => state.phases.push(name),
  });
  running.push(supervised);
  return { supervised, state };
}

/** Sends a byte and returns the response. */
async function ask(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  socket.write('?');
  await once(socket, 'close');
  return text;
}

describe('connections', () => {
  test('are answered by the child', async () => {
    const { supervised, state } = await tree();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(supervised.port)));
    expect(new Set(answers)).toEqual(new Set([`${supervised.childPid} `]));
    expect(state.phases.toSorted()).toEqual(['database', 'work']);
  });

  test('wait while the child is not running, and none is rejected', async () => {
    const { supervised, state } = await tree();
    const first = supervised.childPid;
    killProcess(first);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(supervised.port)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toBe(`${supervised.childPid} `);
    expect([supervised.childPid === first, state.refused]).toEqual([false, 0]);
  });

  test('of an additional socket carry its name, and wait like others', async () => {
    const refuse = (socket: Socket) => socket.destroy();
    const { supervised } = await tree({ further: [{ name: 'side', port: 0, first: 0, refuse }] });
    const { side = 0 } = supervised.further;
    expect(await ask(side)).toBe(`${supervised.childPid} side`);
    expect(await ask(supervised.port)).toBe(`${supervised.childPid} `);
    killProcess(supervised.childPid);
    const answers = await Promise.all([ask(side), ask(supervised.port)]);
    expect(answers).toEqual([`${supervised.childPid} side`, `${supervised.childPid} `]);
  });

  test('beyond the limit are rejected immediately', async () => {
    const { supervised, state } = await tree({ heldConnections: 3 });
    // Every new child crashes before it is ready.
    state.setup = { crash: 'no' };
    const first = supervised.childPid;
    killProcess(first);
    await expect.poll(() => supervised.childPid).not.toBe(first);
    const waiting = Array.from({ length: 3 }, () => connect(supervised.port, '127.0.0.1'));
    await Promise.all(waiting.map((socket) => once(socket, 'connect')));
    expect(await ask(supervised.port)).toBe('busy');
    state.setup = {};
    await Promise.all(
      waiting.map(async (socket) => {
        socket.write('?');
        expect(String(await once(socket, 'data'))).toMatch(/^\d+ /);
        socket.destroy();
      }),
    );
  });
});

describe('a child', () => {
  test('that reports a startup error ends the start with this error', async () => {
    await expect(tree({ setup: { fail: 'written by a newer version' } })).rejects.toEqual(
      new DaisError('data_version', 'written by a newer version'),
    );
  });

  test('that exits repeatedly during startup ends the start with its last output', async () => {
    const error = await tree({ setup: { crash: 'Segmentation of the mind' } }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'internal' });
    expect((error as DaisError).message).toMatch(
      /exited 3 times during startup \(exit code 3\).*\nSegmentation of the mind/,
    );
  });

  test('receives its setup again when it changed', async () => {
    const { supervised, state } = await tree();
    state.setup = { word: 'changed' };
    supervised.reload();
    await expect.poll(async () => (await ask(supervised.port)).split(' ')[1]).toBe('changed');
  });

  test('finishes its work before the tree is stopped', async () => {
    const { supervised } = await tree();
    const socket = connect(supervised.port, '127.0.0.1');
    await once(socket, 'connect');
    const { childPid } = supervised;
    // The child accepts it before the shutdown starts.
    await ask(supervised.port);
    const stopped = supervised.stop();
    socket.write('?');
    expect(String(await once(socket, 'data'))).toBe(`${childPid} `);
    await stopped;
    await expect(ask(supervised.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('answers a connection that is on its way to it when the tree stops', async () => {
    const { supervised, state } = await tree();
    const { childPid, port } = supervised;
    process.kill(childPid ?? 0, 'SIGSTOP');
    const answers = Array.from({ length: 10 }, () => ask(port));
    // The supervisor has accepted them.
    await delay(100);
    const stopped = supervised.stop();
    process.kill(childPid ?? 0, 'SIGCONT');
    expect([new Set(await Promise.all(answers)), state.refused]).toEqual([new Set([`${childPid} `]), 0]);
    await stopped;
  });

  test('learns of the end before connections are no longer accepted', async () => {
    const { supervised } = await tree({ noticeMs: 500 });
    const { childPid, port } = supervised;
    const stopped = supervised.stop();
    await expect.poll(async () => await ask(port)).toBe(`${childPid} ending`);
    await stopped;
    await expect(ask(port)).rejects.toThrow('ECONNREFUSED');
  });

  test('is ended by force during the notice too', async () => {
    const { supervised } = await tree({ noticeMs: 600_000 });
    const pid = supervised.childPid ?? 0;
    const stopped = supervised.stop();
    await delay(50);
    supervised.force();
    await stopped;
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  test('that does not drain in time is ended', async () => {
    const { supervised } = await tree({ setup: { stubborn: true }, drainMs: 50 });
    const pid = supervised.childPid ?? 0;
    await supervised.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('the service', () => {
  test('that exits is restarted, and the child continues', async () => {
    const ends: (() => void)[] = [];
    let stops = 0;
    const startService = async (): Promise<Service> => {
      if (ends.length === 1) {
        ends.push(() => {});
        throw new Error('not yet');
      }
      return {
        ended: new Promise((resolve) => ends.push(() => resolve({ wasRequested: false, detail: 'killed' }))),
        stop: async () => void stops++,
      };
    };
    const { supervised } = await tree({ startService });
    const { childPid } = supervised;
    ends[0]?.();
    await expect.poll(() => ends.length).toBe(3);
    expect(supervised.childPid).toBe(childPid);
    await supervised.stop();
    expect(stops).toBe(1);
  });

  test('that cannot start ends the start with its error, and leaves no process', async () => {
    const startService = () => Promise.reject(new DaisError('data_locked', 'in use'));
    await expect(tree({ startService })).rejects.toEqual(new DaisError('data_locked', 'in use'));
  });
});
