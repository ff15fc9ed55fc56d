/**
 * Feast's feature server (`feast serve`, on SQLite, as its `local` provider has it) beside the same addresses of Dais: features
 * of 1 and of 100 entities, 50 of float64 each, asked over 1, 16 and 64 connections. Told are the server's CPU a call (of Dais all
 * processes, its database too) and what the clients saw; claimed is CPU, and that one entity is answered within 5 ms at one connection.
 *
 * `--calls N` (default 1,500) of one entity in each line; of 100 entities a tenth. `--full` is 10,000. `--only PATTERN` picks lines.
 */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { start } from '../packages/server/src/lib/process.ts';
import { freePort } from '../packages/server/src/testing/dais-process.ts';
import { pythonEnvironment } from '../tools/python-env.mjs';
import { startOwn } from './data/own.ts';
import { FEAST, here, peerVariables } from './data/peer.ts';
import { Claims } from './lib/claims.mjs';
import { memoryOf } from './lib/processes.ts';
import { Meter, type Figures } from './mlflow/meter.ts';

const { values: flags } = parseArgs({
  options: {
    calls: { type: 'string' },
    full: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const CALLS = Number(flags.calls ?? (flags.full ? 10_000 : 1500));
const ENTITIES = 1000;
const FEATURES = 50;
const CONNECTIONS = [1, 16, 64] as const;
const ASKED = [1, 100] as const;
const TARGET = 10;
const P99_MS = 5;

interface Server {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const names = Array.from({ length: FEATURES }, (_, n) => `f${n}`);
const features = names.map((name) => `online_view:${name}`);
const folder = await mkdtemp(join(tmpdir(), 'dais-benchmark-serving-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`);

const results: { name: string; figures: ReadonlyMap<string, Figures>; memory: number }[] = [];
for (const begin of [startFeast, startDais]) {
  const server = await begin();
  try {
    const figures = new Map<string, Figures>();
    for (const connections of CONNECTIONS) {
      const agent = new Agent({ connections, pipelining: 1 });
      const meter = new Meter({ pids: [server.pid], clients: connections, only: new RegExp(flags.only), share: 1 });
      for (const entities of ASKED) {
        const line = `${entities} × ${FEATURES}, ${connections} connection${connections === 1 ? '' : 's'}`;
        await meter.measure(
          line,
          CALLS / (entities === 1 ? 1 : 10),
          async (index) => await read(server, agent, entities, index),
        );
      }
      await agent.close();
      for (const [line, one] of meter.figures) figures.set(line, one);
    }
    results.push({ name: server.name, figures, memory: memoryOf([server.pid]) });
    console.log(`${server.name}: done, load ${loadavg()[0]?.toFixed(2)}`);
  } finally {
    await server.stop();
  }
}

const [peer, own] = results;
if (peer === undefined || own === undefined) throw new Error('nothing was measured');
const claims = new Claims();
console.log(
  `\n${'ms of CPU of the server, a call'.padEnd(30)}${'Feast'.padStart(10)}${'Dais'.padStart(10)}   times less`,
);
for (const [line, { cpu }] of own.figures) {
  const theirs = peer.figures.get(line)?.cpu ?? NaN;
  const times = theirs / cpu;
  const result = claims.judge(`online ${line}`, times >= TARGET);
  console.log(
    `${line.padEnd(30)}${theirs.toFixed(2).padStart(10)}${cpu.toFixed(2).padStart(10)}   ${times.toFixed(1)} (target ${TARGET}: ${result})`,
  );
}
console.log(`${'memory, MB'.padEnd(30)}${peer.memory.toFixed(0).padStart(10)}${own.memory.toFixed(0).padStart(10)}`);
console.log(`\n${'calls/s; p50, p99 in ms'.padEnd(30)}${'Feast'.padStart(24)}${'Dais'.padStart(24)}   times as many`);
for (const [line, ours] of own.figures) {
  const theirs = peer.figures.get(line);
  const times = ours.callsPerSecond / (theirs?.callsPerSecond ?? NaN);
  console.log(`${line.padEnd(30)}${seen(theirs).padStart(24)}${seen(ours).padStart(24)}   ${times.toFixed(1)}`);
}
const single = own.figures.get(`1 × ${FEATURES}, 1 connection`);
if (single !== undefined) {
  console.log(
    `\np99 of 1 × ${FEATURES}: ${single.p99.toFixed(1)} ms on this machine as it was (wanted on an idle one: ${P99_MS}); load ${loadavg()[0]?.toFixed(2)}`,
  );
}
claims.end();

function seen(figures: Figures | undefined): string {
  if (figures === undefined) return '';
  const short = (value: number) => value.toFixed(value < 100 ? 1 : 0);
  return `${short(figures.callsPerSecond)}; ${short(figures.p50)}, ${short(figures.p99)}`;
}

/** As Feast's remote online store asks. @throws Error for an answer without the values. */
async function read({ url, name }: Server, dispatcher: Agent, entities: number, index: number): Promise<void> {
  const first = Math.abs(index) * 7;
  const entity = Array.from({ length: entities }, (_, n) => (first + n) % ENTITIES);
  const answer = await request(`${url}/get-online-features`, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ features, entities: { entity }, full_feature_names: false }),
  });
  const text = Buffer.from(await answer.body.arrayBuffer()).toString('latin1');
  // A value has some ten bytes at least.
  if (answer.statusCode !== 200 || text.includes('NOT_FOUND') || text.length < entities * FEATURES * 10) {
    throw new Error(`${name}: ${answer.statusCode} ${text.slice(0, 500)}`);
  }
}

async function startFeast(): Promise<Server> {
  const home = join(folder, 'feast');
  await mkdir(home);
  const environment = await pythonEnvironment(FEAST.name, FEAST.requirements);
  const run = (program: string, words: readonly string[]) => {
    const child = start(join(environment, 'bin', program), words, {
      cwd: home,
      env: peerVariables(home),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-3000)));
    }
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { child, ended, said: () => said };
  };
  const filled = run('python', [here('feast_online.py'), home, String(ENTITIES), String(FEATURES)]);
  if ((await filled.ended) !== 0) throw new Error(filled.said());
  const port = await freePort();
  // A worker that is ended after 1,000 calls, as it is by default, would break connections and be paid for in the middle of a line.
  const words = ['serve', '--host', '127.0.0.1', '--port', String(port), '--no-access-log', '--max-requests', '0'];
  const server = run('feast', words);
  const kill = () => server.child.kill('SIGTERM');
  process.once('exit', kill);
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (server.child.exitCode !== null) throw new Error(server.said());
    const up = await request(`${url}/health`).then(
      async ({ statusCode, body }) => {
        await body.dump();
        return statusCode === 200;
      },
      () => false,
    );
    if (up) break;
    await delay(200);
  }
  return {
    name: 'Feast',
    url,
    pid: server.child.pid ?? 0,
    stop: async () => {
      kill();
      process.off('exit', kill);
      await server.ended;
    },
  };
}

async function startDais(): Promise<Server> {
  const own = await startOwn(folder);
  await own.apply('Entity', 'entity', { type: 'int64' });
  await own.apply('FeatureView', 'online_view', {
    entities: ['entity'],
    source: { type: 'push' },
    ttl: '3650d',
    features: names.map((name) => ({ name, type: 'float64' })),
  });
  const entities = Array.from({ length: ENTITIES }, (_, n) => n);
  const columns = names.map((name, at) => [
    name,
    entities.map((n) => ((n * 7919 + at * 104_729) % 1_000_003) / 1_000_003),
  ]);
  const event_timestamp = entities.map(() => '2026-11-01T00:00:00Z');
  await own.ask('POST', '/write-to-online-store', {
    feature_view_name: 'online_view',
    df: { entity: entities, event_timestamp, ...Object.fromEntries(columns) },
  });
  return { name: 'Dais', url: own.url, pid: own.pid, stop: async () => await own.stop() };
}
