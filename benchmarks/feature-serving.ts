/**
 * Feast's feature server (`feast serve` on SQLite, as its `local` provider configures it) compared with the same URLs of Dais:
 * features of 1 and of 100 entities, 50 of float64 each, over 1, 16 and 64 connections. Both servers run at the same time and are
 * measured in alternating rounds, over kept connections and with a new connection for each call. CPU is that of all processes,
 * the database of Dais included.
 *
 * `--calls N` (default 400) is the number of calls per round for one entity; for 100 entities it is a tenth. `--full` is 2,000.
 * `--rounds N` is the number of rounds, `--only PATTERN` selects calls.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import { start } from '../packages/server/src/lib/process.ts';
import { freePort } from '../packages/server/src/testing/dais-process.ts';
import { pythonEnvironment } from '../tools/python-env.mjs';
import { startOwn } from './data/own.ts';
import { FEAST, here, peerVariables } from './data/peer.ts';
import { COMPARISON_FLAGS, type CallServer } from './lib/call-comparison.ts';
import { killAtEnd } from './lib/cleanup.mjs';
import type { HttpClient } from './lib/http-client.ts';
import { HttpLoads } from './lib/http-loads.ts';
import { CallCounter, runCalls } from './lib/load.ts';
import { memoryOf } from './lib/processes.ts';
import { resultTable } from './lib/result-table.mjs';
import { ServerComparison } from './lib/server-comparison.ts';

const { values: flags } = parseArgs({
  options: {
    calls: { type: 'string' },
    full: { type: 'boolean', default: false },
    ...COMPARISON_FLAGS,
  },
});
const CALLS = Number(flags.calls ?? (flags.full ? 2000 : 400));
const ENTITIES = 1000;
const FEATURES = 50;
const CONNECTIONS = [1, 16, 64] as const;
const BATCH_SIZES = [1, 100] as const;
const TARGET = 10;
const WARM_MS = 3000;

interface Server {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

const names = Array.from({ length: FEATURES }, (_, n) => `f${n}`);
const features = names.map((name) => `online_view:${name}`);
const comparison = new ServerComparison('feature-serving', { unit: 'ms', warmMs: WARM_MS, flags });
await comparison.run(async () => {
  const servers = [await startDais(), await startFeast()];
  for (const connections of CONNECTIONS) {
    for (const entities of BATCH_SIZES) {
      const call = `${entities} × ${FEATURES}, ${connections} connection${connections === 1 ? '' : 's'}`;
      const loads = new HttpLoads();
      const [own, ...peers] = servers.map((server) => callServer(server, connections, entities, loads));
      if (own !== undefined) await comparison.calls.measure(call, own, peers, { times: TARGET });
      await loads.close();
    }
  }
  comparison.calls.print();
  const memory = servers.map(({ name, pid }) => [name, memoryOf([pid]).toFixed(0)]);
  console.log(`\n${resultTable('Memory after the calls (MB)', ['server', 'memory'], memory)}`);
});

function callServer(server: Server, connections: number, entities: number, loads: HttpLoads): CallServer {
  const { name, url, pid } = server;
  const calls = Math.max(connections, CALLS / (entities === 1 ? 1 : 10));
  const counter = new CallCounter();
  const round = (client: HttpClient) => async () =>
    await runCalls(calls, connections, async (index) => await read(name, client, entities, index), counter);
  return { name, pids: [pid], loads: loads.of(url, { connections }, round) };
}

/** Calls as Feast's remote online store does. @throws Error for a response without the values. */
async function read(name: string, client: HttpClient, entities: number, index: number): Promise<void> {
  const first = index * 7;
  const entity = Array.from({ length: entities }, (_, n) => (first + n) % ENTITIES);
  const body = JSON.stringify({ features, entities: { entity }, full_feature_names: false });
  const text = (await client.send({ method: 'POST', path: '/get-online-features', body })).toString('latin1');
  // A value has about ten bytes or more.
  if (text.includes('NOT_FOUND') || text.length < entities * FEATURES * 10) {
    throw new Error(`${name}: ${text.slice(0, 500)}`);
  }
}

async function startFeast(): Promise<Server> {
  const home = join(comparison.folder, 'feast');
  await mkdir(home);
  const environment = await pythonEnvironment(FEAST.name, FEAST.requirements);
  const run = (program: string, words: readonly string[]) => {
    const child = start(join(environment, 'bin', program), words, {
      cwd: home,
      env: peerVariables(home),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: the server has workers.
      detached: true,
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (text = (text + chunk.toString('utf8')).slice(-3000)));
    }
    const release = killAtEnd(-(child.pid ?? 0));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve)).finally(release);
    return { child, ended, output: () => text };
  };
  const filled = run('python', [here('feast_online.py'), home, String(ENTITIES), String(FEATURES)]);
  if ((await filled.ended) !== 0) throw new Error(filled.output());
  const port = await freePort();
  // A worker that is ended after 1,000 calls, as it is by default, would break connections and be paid for in the middle of a line.
  const words = ['serve', '--host', '127.0.0.1', '--port', String(port), '--no-access-log', '--max-requests', '0'];
  const server = run('feast', words);
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (server.child.exitCode !== null) throw new Error(server.output());
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
  return comparison.add({
    name: 'Feast',
    url,
    pid: server.child.pid ?? 0,
    stop: async () => {
      server.child.kill('SIGTERM');
      await server.ended;
    },
  });
}

async function startDais(): Promise<Server> {
  const own = comparison.add(await startOwn(comparison.folder));
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
  return { name: 'Dais', url: own.url, pid: own.pid };
}
