/**
 * What connections cost: CPU of the whole process tree of `dais up` for each new connection, with few and with thousands of
 * sockets on the machine, and for each prediction through the main port and through the port of the gateway.
 *
 *     npx tsx --conditions=dais-source benchmarks/connections.ts
 *     npx tsx --conditions=dais-source benchmarks/connections.ts --checkout ../dais-before
 */
import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { onnxFile } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { isServing, servingClient } from '../packages/server/src/testing/serving-client.ts';
import { apply, startBuild, type BuildServer } from './lib/build-server.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';
import { median } from './lib/paired-ratio.ts';
import { cpuOf } from './lib/processes.ts';
import { overHttp, postRequest } from './serving/load.ts';

const HELP = `Measures CPU per new connection, and per prediction through the main port and the port of the gateway.

Usage: npx tsx --conditions=dais-source benchmarks/connections.ts [options]

  --checkout FOLDER  checkout of Dais that is measured, installed and built; default: this one
  --rounds NUMBER    rounds of each measurement; the median is printed; default: 3
  --seconds NUMBER   duration of a round with kept connections; default: 3
  --help             prints this text
`;

const { values: flags } = parseArgs({
  options: {
    checkout: { type: 'string', default: fileURLToPath(new URL('../', import.meta.url)) },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

const ROUNDS = Number(flags.rounds);
const SECONDS = Number(flags.seconds);
/** New connections of a round. They stay in TIME_WAIT for a minute. */
const CONNECTIONS = 300;
const CLIENTS = 4;
const TIME_WAIT_SOCKETS = 4000;
/** Observation of an idle server. */
const IDLE_MS = 5000;
/** Milliseconds of CPU. */
const MOST_PER_CONNECTION = 0.3;
/** Microseconds of CPU. */
const MOST_PER_PREDICTION = 150;

const claims = new Claims();
/** Share of a core that an idle server uses, by its pid. */
const idleShares = new Map<number, number>();
if (flags.help) console.log(HELP);
else await measureAll();

async function measureAll(): Promise<void> {
  const build = { name: 'after', checkout: resolve(flags.checkout), node: process.execPath } as const;
  const folder = benchmarkFolder('connections');
  console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}\n`);
  const servers: BuildServer[] = [];
  try {
    const solo = await startBuild(build, join(folder, 'solo'));
    servers.push(solo);
    const gateway = await deployModels(solo);
    await connections(solo);
    await predictions('', solo, gateway, []);
    await isolatedPredictions(solo, gateway);
    await smallReads(solo);
    const accounts = await startBuild(build, join(folder, 'accounts'), 'accounts');
    servers.push(accounts);
    const token = await invokerToken(accounts);
    await predictions(', with a token', accounts, await deployModels(accounts), [`authorization: Bearer ${token}`]);
  } finally {
    for (const server of servers) await server.stop();
  }
  claims.end();
}

/** Without a token, so that the server looks up the user of each connection. */
async function connections(server: BuildServer): Promise<void> {
  const read = '/api/2.0/mlflow/experiments/get?experiment_id=0';
  // Warms up the JavaScript compiler.
  for (const path of ['/livez', read]) await newConnections(server.port, getRequest(path), 2 * CONNECTIONS);
  for (const sockets of ['few', 'many'] as const) {
    if (sockets === 'many') await leaveSockets(TIME_WAIT_SOCKETS);
    for (const path of ['/livez', read]) {
      const request = getRequest(path);
      const costs: number[] = [];
      const kept: number[] = [];
      const all: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const [one, other] = [await keptCost(server, server.port, request, CLIENTS), await newCost(server, request)];
        kept.push(one);
        all.push(other);
        costs.push((other - one) / 1000);
      }
      const cost = median(costs);
      const what = `a new connection for ${path.split('?')[0]}, ${sockets} sockets`;
      console.log(
        `${what} (${await socketCount()}): ${cost.toFixed(2)} ms of CPU (${(median(all) / 1000).toFixed(2)} with the call, ` +
          `${(median(kept) / 1000).toFixed(2)} on a kept connection), limit ${MOST_PER_CONNECTION}: ${claims.judge(what, cost <= MOST_PER_CONNECTION, `${cost.toFixed(2)} ms`)}`,
      );
    }
  }
}

async function predictions(
  how: string,
  server: BuildServer,
  gateway: number,
  headers: readonly string[],
): Promise<void> {
  const request = inferRequest('here', headers);
  console.log('');
  for (const [name, port, limited] of [
    ['the main port', server.port, [64]],
    ['the port of the gateway', gateway, [1, 64]],
  ] as const) {
    // Warms up the JavaScript compiler.
    await keptCost(server, port, request, 32);
    for (const clients of [1, 64]) {
      const costs: number[] = [];
      for (let round = 0; round < ROUNDS; round++) costs.push(await keptCost(server, port, request, clients));
      const cost = median(costs);
      const what = `a prediction through ${name}${how}, ${connectionsText(clients)}`;
      const isLimited = (limited as readonly number[]).includes(clients);
      const claim = isLimited
        ? `, limit ${MOST_PER_PREDICTION}: ${claims.judge(what, cost <= MOST_PER_PREDICTION, `${cost.toFixed(0)} µs`)}`
        : '';
      console.log(`${what}: ${cost.toFixed(0)} µs of CPU${claim}`);
    }
  }
}

/** Deploys a model that runs on the gateway's thread, and one that runs in a process. Returns the port of the gateway. */
async function deployModels(server: BuildServer): Promise<number> {
  const client = servingClient(server.url, { authorization: `Bearer ${server.ownerToken}` });
  const versions = {
    here: await client.register('here', 2, { example: { inputs: [[1]] } }),
    isolated: await client.register('isolated', 2, { example: { inputs: [[1]] }, bytes: unboundedModel() }),
  };
  const endpoints = Object.entries(versions).map(([name, version]) => ({
    kind: 'Endpoint',
    name,
    spec: { model: `models:/${name}/${version}`, capture: { policy: 'off' } },
  }));
  await apply(server, endpoints);
  for (const { name } of endpoints) await client.settled(name, isServing);
  const { port } = (await client.call('GET', '/api/v1/serving/endpoints/here/contract')).body;
  if (port === undefined) throw new Error('The gateway has no port.');
  return port;
}

/** A model whose memory is not bounded by its graph, so that it runs in a process. */
function unboundedModel(): Buffer {
  return onnxFile({
    nodes: [
      { op: 'Mul', inputs: ['x', 'factor'], outputs: ['y'] },
      { op: 'NonZero', inputs: ['x'], outputs: ['unused'] },
    ],
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['rows', 1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['rows', 1] }],
    weights: [{ name: 'factor', shape: [1], data: new Float32Array([2]) }],
  });
}

async function isolatedPredictions(server: BuildServer, gateway: number): Promise<void> {
  const request = inferRequest('isolated');
  await keptCost(server, gateway, request, 32);
  for (const clients of [1, 64]) {
    const costs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) costs.push(await keptCost(server, gateway, request, clients));
    const what = `a prediction of a model in a process, port of the gateway, ${connectionsText(clients)}`;
    console.log(`${what}: ${median(costs).toFixed(0)} µs of CPU`);
  }
}

function connectionsText(count: number): string {
  return `${count} connection${count === 1 ? '' : 's'}`;
}

function inferRequest(endpoint: string, headers: readonly string[] = []): Buffer {
  const body = { inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [1] }] };
  return postRequest(`/v2/models/${endpoint}/infer`, Buffer.from(JSON.stringify(body)), headers);
}

async function smallReads(server: BuildServer): Promise<void> {
  console.log('');
  for (const path of ['/livez', '/api/2.0/mlflow/experiments/get?experiment_id=0']) {
    const costs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) costs.push(await keptCost(server, server.port, getRequest(path), 16));
    console.log(`GET ${path.split('?')[0]}, 16 connections: ${median(costs).toFixed(0)} µs of CPU`);
  }
}

/** Microseconds of CPU of the process tree, per request. */
async function keptCost(server: BuildServer, port: number, request: Buffer, clients: number): Promise<number> {
  return await costOf(server, async () => {
    const { requests, failures } = await overHttp(port, request)(clients, SECONDS);
    if (failures > 0) throw new Error(`${failures} of ${requests} requests failed`);
    return requests;
  });
}

async function newCost(server: BuildServer, request: Buffer): Promise<number> {
  return await costOf(server, async () => {
    await newConnections(server.port, request, CONNECTIONS);
    return CONNECTIONS;
  });
}

/** Returns microseconds per request, without the CPU that the idle server uses in the same time. */
async function costOf({ pid }: BuildServer, work: () => Promise<number>): Promise<number> {
  let idle = idleShares.get(pid);
  if (idle === undefined) {
    const before = cpuOf([pid]);
    await delay(IDLE_MS);
    idle = (cpuOf([pid]) - before) / IDLE_MS;
    idleShares.set(pid, idle);
  }
  const [from, startedAt] = [cpuOf([pid]), performance.now()];
  const requests = await work();
  return ((cpuOf([pid]) - from - idle * (performance.now() - startedAt)) * 1000) / requests;
}

/** Each client opens a connection, sends one request, reads the response, and closes. */
async function newConnections(port: number, request: Buffer, count: number): Promise<void> {
  let left = count;
  const one = async () =>
    await new Promise<void>((done, failed) => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.on('connect', () => socket.write(request));
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        const length = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0);
        if (end < 0 || text.length < end + 4 + length) return;
        socket.destroy();
        if (text.startsWith('HTTP/1.1 200')) done();
        else failed(new Error(text));
      });
      socket.on('error', failed);
    });
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (left-- > 0) await one();
    }),
  );
}

/** Connections to a server of this process, which the system remembers for a minute. */
async function leaveSockets(count: number): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  let left = count;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (left-- > 0) {
        await new Promise((closed) => {
          const socket = connect(port, '127.0.0.1', () => socket.end());
          socket.resume().once('close', closed);
        });
      }
    }),
  );
  await new Promise((closed) => server.close(closed));
}

async function socketCount(): Promise<number> {
  return (await readFile('/proc/net/tcp', 'utf8')).split('\n').length - 2;
}

function getRequest(path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
}

/** Returns a token of a service account that may call endpoints. */
async function invokerToken(server: BuildServer): Promise<string> {
  await apply(server, [
    { kind: 'ServiceAccount', name: 'caller', spec: {} },
    { kind: 'RoleBinding', name: 'caller', spec: { role: 'editor', serviceAccounts: ['caller'] } },
  ]);
  const response = await fetch(`${server.url}/api/v1/serviceaccounts/caller/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.ownerToken}` },
    body: JSON.stringify({ title: 'benchmark' }),
  });
  if (!response.ok) throw new Error(await response.text());
  return ((await response.json()) as { readonly token: string }).token;
}
