import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openIsolation } from '#engines/isolation/open-isolation.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { ProcessEnded, wasKilled } from './contract.ts';
import { FRAME } from './frames.ts';
import { ModelProcess } from './model-process.ts';

/**
 * Sends frames without tensors. It responds to the first ping only after a batch has arrived, like a busy process, and to the
 * batch when the file exists; it ignores pings in between.
 */
const PROGRAM = `
const { existsSync } = require('node:fs');
const socket = new (require('node:net').Socket)({ fd: 3 });
const send = (id, kind) => {
  const frame = Buffer.alloc(24, ' ');
  frame.writeUInt32LE(8, 0), frame.writeUInt32LE(id, 4), frame.writeUInt32LE(kind, 8), frame.writeUInt32LE(8, 12);
  frame.write('{}', 16);
  socket.write(frame);
};
let held = 0;
let rest = Buffer.alloc(0);
let busy = false;
const hear = (id, kind) => {
  if (kind === ${FRAME.ping}) {
    if (!busy) console.log('requested');
    held = id;
    return;
  }
  busy = true;
  send(held, ${FRAME.ping});
  console.log('responded');
  const timer = setInterval(() => {
    if (!existsSync(process.argv[1])) return;
    clearInterval(timer);
    send(id, ${FRAME.result});
  }, 5);
};
socket.on('data', (chunk) => {
  rest = Buffer.concat([rest, chunk]);
  while (rest.length >= 16 && rest.length >= 16 + rest.readUInt32LE(0)) {
    hear(rest.readUInt32LE(4), rest.readUInt32LE(8));
    rest = rest.subarray(16 + rest.readUInt32LE(0));
  }
});
send(0, ${FRAME.ready});
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-process-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('a batch between a ping and its response can take any time', async () => {
  const clock = new ManualClock();
  const file = join(folder, 'go');
  let output = '';
  const { process: started } = await ModelProcess.start({
    isolation: openIsolation(),
    run: {
      workload: 'onnx-model',
      owner: 'test',
      command: [process.execPath, '-e', PROGRAM, file],
      limits: {},
      network: { type: 'none' },
      files: { readable: [], writable: [] },
      isolation: 'none',
    },
    variables: {},
    loadMs: 600_000,
    clock,
    onLine: (text) => (output += text),
  });
  try {
    clock.advance(10_000);
    await expect.poll(() => output).toContain('requested');
    const { outputs } = started.infer([], {});
    await expect.poll(() => output).toContain('responded');
    // The response and this text are on different pipes.
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    for (let tens = 0; tens < 12; tens++) clock.advance(10_000);
    await writeFile(file, '');
    expect(await outputs).toEqual([]);
  } finally {
    await started.stop();
  }
});

test.each([
  ['SIGKILL', false],
  ['SIGTERM', true],
] as const)('a process that ends by %s before the model is loaded', async (signal, isOwnError) => {
  const started = ModelProcess.start({
    isolation: openIsolation(),
    run: {
      workload: 'onnx-model',
      owner: 'test',
      command: [process.execPath, '-e', `process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000);`],
      limits: {},
      network: { type: 'none' },
      files: { readable: [], writable: [] },
      isolation: 'none',
    },
    variables: {},
    loadMs: 600_000,
    clock: new ManualClock(),
  });
  const error: unknown = await started.catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(ProcessEnded);
  expect(error).toMatchObject({ code: 'invalid_request', isOwnError, message: expect.stringContaining(signal) });
  expect(wasKilled(error)).toBe(!isOwnError);
});
