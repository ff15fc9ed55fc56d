import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isAlive } from '../../packages/server/src/testing/dais-process.ts';

/** A benchmark with a server that starts a worker. Prints the process ids of both and the folder, into which the worker writes. */
const BENCHMARK = `
import { spawn } from 'node:child_process';
import { benchmarkFolder, killAtEnd } from ${JSON.stringify(new URL('./cleanup.mjs', import.meta.url).href)};
const folder = benchmarkFolder('cleanup');
const script = 'while :; do touch "$1/$(date +%N)"; sleep 0.01; done & echo $!; wait';
const server = spawn('sh', ['-c', script, 'sh', folder], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
killAtEnd(-server.pid);
const ended = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
const release = killAtEnd(-ended.pid);
release();
server.stdout.once('data', (worker) => console.log(JSON.stringify({ pids: [server.pid, Number(worker)], released: ended.pid, folder })));
`;

async function startBenchmark() {
  const benchmark = spawn(process.execPath, ['--input-type=module', '--eval', BENCHMARK], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(benchmark.stdout, 'data')) as [Buffer];
  const started = JSON.parse(line.toString()) as { pids: number[]; released: number; folder: string };
  return { benchmark, ...started };
}

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGKILL', null],
] as const)('after %s, no process and no folder of a benchmark is left', async (signal, code) => {
  const { benchmark, pids, released, folder } = await startBenchmark();
  try {
    expect(pids.filter(isAlive)).toEqual(pids);
    const ended = once(benchmark, 'exit');
    benchmark.kill(signal);
    expect((await ended)[0]).toBe(code);
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
    await expect.poll(() => existsSync(folder)).toBe(false);
    // Its number may belong to another process by then.
    expect(isAlive(released)).toBe(true);
  } finally {
    process.kill(released, 'SIGKILL');
  }
});
