#!/usr/bin/env node
/**
 * Claim: `dais --help` takes at most 0.4 s of CPU time. Measures the built command (run `npm run build` first): user
 * and system time of whole processes, compared with an idle Node, in one run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Claims } from './lib/claims.mjs';

const RUNS = 15;
const LIMIT_SECONDS = 0.4;

const command = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
if (!existsSync(command)) throw new Error('there is no packages/cli/dist/main.js: run `npm run build` first');

/** CPU seconds of a process and all that it started, as the shell's `times` counts them. @param {string[]} args */
function cpuSeconds(args) {
  const script = '"$@" >/dev/null; times';
  const { stdout, status } = spawnSync('/bin/sh', ['-c', script, 'sh', process.execPath, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')} failed`);
  const line = stdout.trim().split('\n').at(-1) ?? '';
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
}

/** @param {string[]} args */
function measure(args) {
  const times = Array.from({ length: RUNS }, () => cpuSeconds(args)).toSorted((a, b) => a - b);
  return { median: times[Math.floor(RUNS / 2)] ?? 0, least: times[0] ?? 0, most: times.at(-1) ?? 0 };
}

const claims = new Claims();
cpuSeconds([command, '--help']);
const rows = /** @type {const} */ ([
  ['node, doing nothing', ['-e', '0']],
  ['dais --help', [command, '--help']],
  ['dais get --help', [command, 'get', '--help']],
  ['dais explain Secret', [command, 'explain', 'Secret']],
]);
console.log(`CPU seconds of ${RUNS} runs each; Node ${process.versions.node}`);
console.log(
  `machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load ${loadavg()
    .map((n) => n.toFixed(2))
    .join(' ')}`,
);
for (const [name, args] of rows) {
  const { median, least, most } = measure([...args]);
  console.log(`${name.padEnd(22)} median ${median.toFixed(2)}   least ${least.toFixed(2)}   most ${most.toFixed(2)}`);
  if (name === 'dais --help')
    console.log(
      `${''.padEnd(22)} limit  ${LIMIT_SECONDS.toFixed(2)}   ${claims.judge(name, median <= LIMIT_SECONDS, `${median.toFixed(2)} s`)}`,
    );
}
claims.end();
