#!/usr/bin/env node
/**
 * Claims about the running server, measured on the built packages (run `npm run build` first):
 *
 * - a cold `dais up` is ready within 5 s on a new data folder and within 2 s on an existing one;
 * - all processes together hold at most 250 MB (PSS) when idle;
 * - an apply of 1,000 resources takes at most 2 s;
 * - a read of one resource takes at most 2 ms at the median with 16 connections;
 * - 1,000 watchers see a change within 250 ms.
 *
 * The measuring client runs on the same machine and uses a part of it: consider the printed load.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder, killAtEnd } from './lib/cleanup.mjs';

const command = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
if (!existsSync(command)) throw new Error('there is no packages/cli/dist/main.js: run `npm run build` first');

const folder = benchmarkFolder('server');
const PORT = 7399;
const claims = new Claims();

/** @param {string} name @param {number} value @param {number} limit @param {string} unit */
function report(name, value, limit, unit) {
  const kept = claims.judge(name, value <= limit, `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`);
  console.log(
    `${name.padEnd(44)} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit.padEnd(3)} limit ${limit} ${unit}   ${kept}`,
  );
}

/** Starts Dais; resolves when /readyz reports ready. @param {string} data */
async function startDais(data) {
  const from = performance.now();
  const environment = { ...process.env, DAIS_KEYS_FOLDER: join(folder, 'keys'), DAIS_LOG_FORMAT: 'json' };
  const child = spawn(process.execPath, [command, 'up', '--data', data, '--port', String(PORT)], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const release = killAtEnd(child.pid ?? 0);
  const ended = new Promise((resolve) => child.once('close', resolve));
  for (;;) {
    const ready = await ask('GET', '/readyz').catch(() => undefined);
    if (ready?.status === 200) break;
    if (child.exitCode !== null) throw new Error(`dais up ended with ${child.exitCode}`);
    await delay(10);
  }
  const ms = performance.now() - from;
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    release();
  };
  return { pid: child.pid ?? 0, ms, stop };
}

/**
 * @param {string} method @param {string} path @param {string} [body] @param {Agent} [agent]
 * @returns {Promise<{ status: number, text: string }>}
 */
async function ask(method, path, body, agent) {
  return await new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(
      { host: '127.0.0.1', port: PORT, method, path, headers, ...(agent && { agent }) },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sent.once('error', reject).end(body);
  });
}

/** Proportional set size of a process and all below it, in MB. @param {number} root */
function pss(root) {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
          return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])]];
        } catch {
          return [];
        }
      }),
  );
  /** @param {number} pid @returns {boolean} */
  const below = (pid) => pid === root || (parents.has(pid) && pid > 1 && below(parents.get(pid) ?? 0));
  let kilobytes = 0;
  for (const pid of parents.keys()) {
    if (!below(pid)) continue;
    kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  }
  return kilobytes / 1024;
}

/** @param {string} prefix @param {number} count */
function manifests(prefix, count) {
  return Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      apiVersion: 'dais.dev/v1',
      kind: 'AlertChannel',
      metadata: { name: `${prefix}-${n}`, labels: { team: `t${n % 10}` } },
      spec: { description: `Channel ${n}`, send: { type: 'webhook', url: `https://alerts.example.com/${n}` } },
    }),
  ).join('\n---\n');
}

/** @param {string} text */
async function apply(text) {
  const from = performance.now();
  const { status, text: answer } = await ask(
    'POST',
    '/api/v1/apply',
    JSON.stringify({ sources: [{ file: 'bench', text }] }),
  );
  if (status !== 200) throw new Error(`apply: ${status} ${answer.slice(0, 500)}`);
  return performance.now() - from;
}

/** Milliseconds of single reads, sorted. @param {number} connections @param {number} seconds @param {boolean} keepAlive */
async function reads(connections, seconds, keepAlive = true) {
  const agent = new Agent({ keepAlive, maxSockets: connections });
  const until = performance.now() + seconds * 1000;
  /** @type {number[]} */
  const times = [];
  await Promise.all(
    Array.from({ length: connections }, async (_, n) => {
      while (performance.now() < until) {
        const from = performance.now();
        const { status } = await ask('GET', `/api/v1/alertchannels/first-${n}`, undefined, agent);
        if (status !== 200) throw new Error(`a read answered ${status}`);
        times.push(performance.now() - from);
      }
    }),
  );
  agent.destroy();
  return times.toSorted((a, b) => a - b);
}

/** Milliseconds until the last of `count` watchers has received a change, of several changes, sorted. @param {number} count */
async function watchers(count) {
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
  /** @type {import('node:http').ClientRequest[]} */
  const open = [];
  let seen = 0;
  let begun = 0;
  /** @type {() => void} */
  let all = () => {};
  for (let at = 0; at < count; at += 50) {
    await Promise.all(
      Array.from(
        { length: Math.min(50, count - at) },
        () =>
          new Promise((resolve, reject) => {
            const path = '/api/v1/alertchannels?watch=true';
            const sent = request({ host: '127.0.0.1', port: PORT, path, agent }, (response) => {
              let caughtUp = false;
              response.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
                if (!caughtUp && chunk.includes('"bookmark"')) {
                  caughtUp = true;
                  begun++;
                  resolve(undefined);
                } else if (chunk.includes('"modified"') && ++seen === count) all();
              });
            });
            sent.once('error', reject).end();
            open.push(sent);
          }),
      ),
    );
  }
  if (begun !== count) throw new Error(`${begun} of ${count} watchers began`);
  /** @type {number[]} */
  const times = [];
  for (let change = 0; change < 6; change++) {
    seen = 0;
    const everyone = new Promise((resolve) => (all = () => resolve(undefined)));
    const from = performance.now();
    await apply(manifests('first', 1).replace('Channel 0', `Changed ${change}`));
    await everyone;
    // The first change compiles the way of all that follow.
    if (change > 0) times.push(performance.now() - from);
  }
  for (const sent of open) sent.destroy();
  return times.toSorted((a, b) => a - b);
}

console.log(
  `Node ${process.versions.node}; ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}; load before ${loadavg()
    .map((n) => n.toFixed(2))
    .join(' ')}`,
);
const cold = await startDais(join(folder, 'data'));
report('ready on a new data folder', cold.ms / 1000, 5, 's');
await cold.stop();
const warm = await startDais(join(folder, 'data'));
report('ready on an existing data folder', warm.ms / 1000, 2, 's');
await delay(5000);
report('idle memory of all processes', pss(warm.pid), 250, 'MB');
report('apply of 1,000 resources', (await apply(manifests('first', 1000))) / 1000, 2, 's');
report('the same again, unchanged', (await apply(manifests('first', 1000))) / 1000, 2, 's');
await reads(16, 2);
const times = await reads(16, 5);
const at = (/** @type {number} */ share) => times[Math.floor(times.length * share)] ?? 0;
report('read, median at 16 connections', at(0.5), 2, 'ms');
console.log(
  `${''.padEnd(44)} p90 ${at(0.9).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} ms, ${Math.round(times.length / 5)} reads/s`,
);
const single = await reads(16, 5, false);
console.log(
  `${'read with a new connection, median'.padEnd(44)} ${(single[Math.floor(single.length / 2)] ?? 0).toFixed(2)} ms`,
);
const changes = await watchers(1000);
report('1,000 watchers have seen a change, median', changes[2] ?? 0, 250, 'ms');
console.log(`${''.padEnd(44)} worst of ${changes.length}: ${changes.at(-1)?.toFixed(0)} ms`);
report('memory after all that', pss(warm.pid), 400, 'MB');
await warm.stop();
console.log(
  `load after ${loadavg()
    .map((n) => n.toFixed(2))
    .join(' ')}`,
);
claims.end();
