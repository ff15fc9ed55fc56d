/** Python models that crash, hang and exhaust memory next to one that works, at a gateway under load. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { commandOf, isAlive, killProcess, treeOf } from '#testing/dais-process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import type { GatewayWorld } from '../testing/gateway-world.ts';
import { startMlflowWorld } from '../testing/mlflow-world.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/', import.meta.url));
/** In ms; for a busy machine. */
const PATIENCE = 600_000;
const MEMORY_BYTES = 1024 * 2 ** 20;
/** Time limit of one batch; for a busy machine. */
const LIMIT_MS = 25_000;
/** Number of sequential clients. */
const CLIENTS = 8;

let folder: string;
let world: GatewayWorld;
beforeAll(async () => {
  const environment = await pythonEnvironment('mlflow-3-18', join(conformance, 'mlflow', 'requirements.txt'));
  folder = await mkdtemp(join(tmpdir(), 'dais-hostile-models-'));
  const script = join(conformance, 'inference', 'models.py');
  const env = { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' };
  const words = ['-W', 'ignore', script, folder];
  const end = await run(join(environment, 'bin', 'python'), words, { env, cwd: folder, timeoutMs: PATIENCE });
  if (end.code !== 0) throw new Error(end.stderr);
  world = await startMlflowWorld({
    folder,
    environment,
    names: ['weighted', 'moody', 'hostile'],
    memoryBytes: MEMORY_BYTES,
    inferMs: LIMIT_MS,
  });
}, PATIENCE);
afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function ask(name: string, first: number) {
  const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32', data: [first, 2, 3] }] });
  const { status, json } = await world.ask(`/v2/models/${name}/infer`, { body });
  return { status, body: JSON.stringify(json) };
}

/** Sends requests while `work` runs, and returns the failed ones. */
async function underLoad(name: string, work: () => Promise<void>) {
  const counts = { answered: 0 };
  const failed: { readonly status: number; readonly body: string }[] = [];
  const requesting = { on: true };
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (requesting.on) {
      const answer = await ask(name, 1);
      if (answer.status === 200) counts.answered += 1;
      else failed.push(answer);
    }
  });
  const more = async () => {
    const reached = counts.answered;
    await expect.poll(() => counts.answered).toBeGreaterThan(reached + 20);
  };
  try {
    await more();
    await work();
    await more();
  } finally {
    requesting.on = false;
    await Promise.all(clients);
  }
  return { failed, answered: counts.answered };
}

test('a model that exhausts memory fails alone with the reason; the other serves', async () => {
  const { failed } = await underLoad('weighted', async () => {
    const { status, body } = await ask('moody', -3);
    expect([status, body]).toEqual([503, expect.stringContaining('more than its memory limit of 1 GiB')]);
  });
  expect(failed).toEqual([]);
  await expect.poll(async () => (await ask('moody', 1)).status).toBe(200);
});

test('a model whose process ends fails alone with the reason; the other serves', async () => {
  const { failed } = await underLoad('weighted', async () => {
    const { status, body } = await ask('moody', -1);
    expect([status, body]).toEqual([503, expect.stringContaining('exit code 3')]);
  });
  expect(failed).toEqual([]);
  await expect.poll(async () => (await ask('moody', 1)).status).toBe(200);
});

test('kill -9 of its process under load fails at most one request per client', async () => {
  const worker = () => treeOf(process.pid).findLast((pid) => /dais_worker.*weighted/.test(commandOf(pid)));
  for (let round = 0; round < 3; round++) {
    const { failed } = await underLoad('weighted', async () => {
      const pid = worker();
      killProcess(pid);
      await expect.poll(() => isAlive(pid!)).toBe(false);
      await expect.poll(() => worker() ?? pid).not.toBe(pid);
    });
    expect(failed.filter(({ status, body }) => status !== 503 || !body.includes('process ended'))).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(CLIENTS);
  }
});

test.each([
  ['leaves processes behind', -1, [503], /exit code 4/],
  ['sleeps and ignores SIGTERM', -2, [503], /time limit of 25 s/],
  ['starts threads and sleeps', -3, [400, 503], /time limit of 25 s|can't start new thread/],
  ['fills the disk', -4, [400, 503], /disk|File too large|No space left|memory/],
  ['opens sockets', -5, [400], /refused|unreachable|not permitted|denied/i],
  ['exhausts memory', -6, [503], /memory limit of 1 GiB/],
])('a model that %s fails alone with the reason; the other serves', async (_, what, expected, reason) => {
  const { failed } = await underLoad('weighted', async () => {
    const { status, body } = await ask('hostile', what);
    expect(body).toMatch(reason);
    expect(expected).toContain(status);
  });
  expect(failed).toEqual([]);
  await expect.poll(async () => (await ask('hostile', 1)).status).toBe(200);
});

test('quarantines a model after five ends within minutes, also with successful predictions between them, and removes its processes', async () => {
  const stateOf = () => world.gateway.stats().models.find(({ key }) => key === 'hostile')?.state;
  while (stateOf() !== 'quarantined') {
    await ask('hostile', -1);
    await ask('hostile', 1);
  }
  const { body } = await ask('hostile', 1);
  expect(body).toMatch(/quarantined.*times within 10 minutes/);
  await expect
    .poll(() => treeOf(process.pid).filter((pid) => /dais_worker.*\/hostile"/.test(commandOf(pid))))
    .toEqual([]);
});
