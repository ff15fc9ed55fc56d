import { mkdtemp, chmod, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { startOwn } from './pipelines/own.ts';
import { controlOf, treeOf, commandOf } from '../packages/server/src/testing/dais-process.ts';
import { ownCpuOf, cpuOf } from './lib/processes.ts';
const require = createRequire(import.meta.url);
const WebSocket = (() => { try { return require('ws'); } catch { return require('undici').WebSocket; } })();
const folder = await mkdtemp('/tmp/w-prof-');
await chmod(folder, 0o755);
const own = await startOwn(folder);
const pid = own.pids[0]!;
const control = controlOf(pid)!;
const graph = { name: 'x', kind: 'command', layers: [200], width: 200, depth: 1 } as never;
const { graphs } = await import('./pipelines/graphs.ts');
const wide = graphs(false).find(({ name }) => /wide|fan/.test(name)) ?? graphs(false)[2]!;
console.log(graphs(false).map(({ name }) => name), wide.name);
await own.run(wide);
await delay(2000);
const parts = () => {
  const of: Record<string, number> = {};
  for (const one of treeOf(pid)) {
    const command = one === control ? 'control' : one === pid ? 'supervisor' : commandOf(one).startsWith('postgres') ? 'postgres' : commandOf(one).slice(0, 40);
    of[command] = (of[command] ?? 0) + ownCpuOf(one);
  }
  return of;
};
const measure = async () => {
  const all = cpuOf(own.pids as never);
  const before = parts();
  let steps = 0;
  for (let n = 0; n < 3; n += 1) steps += (await own.run(wide)).steps;
  await delay(1500);
  const after = parts();
  const each = Object.fromEntries(Object.entries(after).map(([k, v]) => [k, ((v - (before[k] ?? 0)) / steps).toFixed(2)]));
  console.log(steps, 'steps; ms CPU a step, of all:', ((cpuOf(own.pids as never) - all) / steps).toFixed(2), each);
};
await measure();
await measure();
if (process.argv[2] === 'prof') {
  process.kill(control, 'SIGUSR1');
  await delay(500);
  const list = (await (await fetch('http://127.0.0.1:9229/json')).json()) as { webSocketDebuggerUrl: string }[];
  const ws = new WebSocket(list[0]!.webSocketDebuggerUrl);
  await new Promise((r) => (ws.onopen = r));
  let id = 0;
  const call = (method: string, params = {}) =>
    new Promise<any>((resolve) => {
      const mine = ++id;
      const on = (e: any) => { const m = JSON.parse(e.data); if (m.id === mine) { ws.removeEventListener('message', on); resolve(m.result); } };
      ws.addEventListener('message', on);
      ws.send(JSON.stringify({ id: mine, method, params }));
    });
  await call('Profiler.enable');
  await call('Profiler.setSamplingInterval', { interval: 500 });
  await call('Profiler.start');
  await measure();
  const { profile } = await call('Profiler.stop');
  await writeFile('/tmp/w-prof.cpuprofile', JSON.stringify(profile));
  ws.close();
}
await own.stop();
process.exit(0);
