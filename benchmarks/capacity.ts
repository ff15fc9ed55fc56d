/**
 * A model of active users on one Dais with its own database: trainings that log, people who search, watch the console and deploy, each with
 * think times. Prints latencies, CPU, memory and what grows.
 *
 * `--minutes N` (default 5; growth per hour needs 60) is the time that is measured, after a warm-up of a tenth of it; `--users N` (default 200).
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { servingClient } from '../packages/server/src/testing/serving-client.ts';
import { CallTimes } from './capacity/call-times.ts';
import { limitOf, sizesOf } from './capacity/growth.ts';
import { runUser, SHARES, type UserType } from './capacity/users.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';
import { HttpClient } from './lib/http-client.ts';
import { describeMachine, startOwnServer } from './lib/own-server.ts';
import { short } from './lib/paired-ratio.ts';
import { cpuByPart, cpuOf, memoryOf } from './lib/processes.ts';
import { resultTable } from './lib/result-table.mjs';

const { values: flags } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, users: { type: 'string', default: '200' } },
});
const MINUTES = Number(flags.minutes);
const USERS = Number(flags.users);
const EXPERIMENTS = 10;
const CONNECTIONS = 64;
const SAMPLE_MS = 10_000;
const MINUTE_MS = 60_000;
const MIB = 2 ** 20;
/** Pages of tables and indexes are allocated in steps: less than this in an hour is not growth. */
const LEAST_GROWTH_BYTES = MIB;

const folder = benchmarkFolder('capacity');
const claims = new Claims();
const server = await startOwnServer(folder);
const { url, pids, token } = server;
const data = join(folder, 'dais');
const http = new HttpClient(url, { mode: 'kept', connections: CONNECTIONS, token });
const times = new CallTimes();
const over = new AbortController();
console.log(`${USERS} users, ${MINUTES} minutes; ${describeMachine()}`);

const experiments: string[] = [];
for (let n = 0; n < EXPERIMENTS; n += 1) {
  const body = JSON.stringify({ name: `experiment ${n}` });
  const path = '/api/2.0/mlflow/experiments/create';
  experiments.push((await http.json<{ experiment_id: string }>({ method: 'POST', path, body })).experiment_id);
}
const serving = servingClient(url);
const world = { url, http, serving, times, signal: over.signal, random: Math.random, experiments };
const types = Object.entries(SHARES).flatMap(([type, share]) =>
  Array.from({ length: Math.round(USERS * share) }, () => type as UserType),
);
const users = types.map(async (type, number) => await runUser(type, number, world));

await delay((MINUTES * MINUTE_MS) / 10);
times.reset();
const [before, cpuFrom, partsFrom, from] = [await sizesOf(data), cpuOf(pids), cpuByPart(pids), performance.now()];
const memory: number[] = [];
while (performance.now() - from < MINUTES * MINUTE_MS) {
  memory.push(memoryOf(pids));
  await delay(Math.min(SAMPLE_MS, Math.max(0, MINUTES * MINUTE_MS - (performance.now() - from))));
}
const seconds = (performance.now() - from) / 1000;
const [cpu, parts, after] = [cpuOf(pids) - cpuFrom, cpuByPart(pids), await sizesOf(data)];
over.abort();
await Promise.all(users);
await http.close();
await server.stop();

const calls = times.summaries().toSorted((a, b) => b.calls - a.calls);
const callRows = calls.map(({ call, calls: count, failures, p50, p95 }) => [
  call,
  short(count),
  short(count / seconds),
  p50.toFixed(1),
  p95.toFixed(1),
  String(failures),
]);
const header = ['call', 'calls', 'per second', 'p50 (ms)', 'p95 (ms)', 'failed'];
console.log(`\n${resultTable(`Calls of ${USERS} users`, header, callRows)}`);
for (const [name, count] of times.events) console.log(`\n${name}: ${short(count)}`);

const perSecond = (ms: number) => `${(ms / seconds / 1000).toFixed(3)} cores`;
const [firstMemory = 0, lastMemory = 0] = [memory[0], memory.at(-1)];
const usage = [
  ['CPU of all processes', perSecond(cpu)],
  ['CPU of the server', perSecond(parts.server - partsFrom.server)],
  ['CPU of the database', perSecond(parts.database - partsFrom.database)],
  ['CPU of queries', perSecond(parts.queries - partsFrom.queries)],
  ['memory at the start', `${firstMemory.toFixed(0)} MB`],
  ['memory at the end', `${lastMemory.toFixed(0)} MB`],
  ['most memory', `${Math.max(...memory).toFixed(0)} MB`],
];
console.log(`\n${resultTable(`Use of ${USERS} users`, ['measurement', 'value'], usage)}`);

const perHour = 3600 / seconds;
const growth = [...after]
  .map(([name, bytes]) => ({ name, bytes: (bytes - (before.get(name) ?? 0)) * perHour, limit: limitOf(name) }))
  .filter(({ bytes }) => bytes >= LEAST_GROWTH_BYTES)
  .toSorted((a, b) => b.bytes - a.bytes);
const growthRows = growth.map(({ name, bytes, limit }) => [name, `${short(bytes / MIB)} MiB`, limit ?? 'nothing']);
console.log(`\n${resultTable('Growth per hour', ['measurement', 'growth', 'limited by'], growthRows)}`);

const failures = calls.reduce((sum, one) => sum + one.failures, 0);
const failed = `${failures} of ${calls.reduce((sum, one) => sum + one.calls, 0)}`;
console.log(`\nfailed calls: ${failed}: ${claims.judge('no call fails', failures === 0, failed)}`);
if (failures > 0) console.log(`the newest error: ${String(times.lastError)}`);
const unlimited = growth.filter(({ limit }) => limit === undefined).map(({ name }) => name);
const named = unlimited.length === 0 ? 'none' : unlimited.join(', ');
console.log(
  `grows without retention: ${named}: ${claims.judge('nothing grows without retention', unlimited.length === 0, named)}`,
);
claims.end();
