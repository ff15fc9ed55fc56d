/**
 * Compares languages and programs for the launcher of steps and the launcher of Landlock (decisions 20, 22 and 30): CPU of a
 * start, CPU of a step behind a launcher that already runs, and memory of a process that waits for a step. Needs no compiler. What this
 * machine does not have is listed as absent.
 *
 *     npx tsx --conditions=dais-source benchmarks/launcher-languages.ts
 */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../packages/server/src/lib/process.ts';
import { killAtEnd } from './lib/cleanup.mjs';
import { median } from './lib/paired-ratio.ts';
import { memoryOf } from './lib/processes.ts';

const STARTS = 50;
const ROUNDS = 3;
const STEPS = 300;
const WAITING = 10;
const TICK_MS = 10;
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/** Milliseconds of CPU of the children of this process that have ended. */
function childrenCpu(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** Returns the CPU of one start, or why the program cannot be started. */
async function cpuOfStart(command: readonly string[]): Promise<number | string> {
  const [program, ...args] = command as [string, ...string[]];
  const from = childrenCpu();
  for (let n = 0; n < STARTS; n++) {
    const { code, stderr } = await run(program, args, { env: ENVIRONMENT });
    if (code !== 0) return `absent or refused: ${stderr.trim().split('\n')[0]}`;
  }
  return (childrenCpu() - from) / STARTS;
}

interface Language {
  readonly name: string;
  /** Becomes `true`. */
  readonly start: readonly string[];
  /** Starts `true` the number of times in its last argument, one after another, and waits for each. */
  readonly steps?: readonly string[];
  /** Starts the number of waiting processes in its last argument, prints a line and waits. */
  readonly waiting?: readonly string[];
}

const node = process.execPath;
const LANGUAGES: readonly Language[] = [
  { name: 'the command alone', start: ['true'] },
  {
    name: 'perl',
    start: ['perl', '-e', 'exec "true"'],
    steps: ['perl', '-e', 'for (1 .. $ARGV[0]) { my $pid = fork; if (!$pid) { exec "true" } waitpid $pid, 0 }'],
    // Modules that the launcher loads.
    waiting: [
      'perl',
      '-e',
      'use Fcntl; use POSIX (); for (1 .. $ARGV[0]) { if (!fork) { sleep 1000; exit } } $| = 1; print "ready\\n"; sleep 1000',
    ],
  },
  {
    name: 'python3 -I -S',
    start: ['python3', '-I', '-S', '-c', 'import os; os.execvp("true", ["true"])'],
    steps: [
      'python3',
      '-I',
      '-S',
      '-c',
      'import os, sys\nfor _ in range(int(sys.argv[1])):\n  pid = os.fork()\n  if pid == 0: os.execvp("true", ["true"])\n  os.waitpid(pid, 0)',
    ],
    waiting: [
      'python3',
      '-I',
      '-S',
      '-c',
      'import os, sys, time\nfor _ in range(int(sys.argv[1])):\n  if os.fork() == 0: time.sleep(1000); os._exit(0)\nprint("ready", flush=True); time.sleep(1000)',
    ],
  },
  {
    name: 'python3 -I -S with ctypes',
    start: ['python3', '-I', '-S', '-c', 'import os, ctypes; os.execvp("true", ["true"])'],
  },
  {
    name: 'sh',
    start: ['sh', '-c', 'exec true'],
    steps: ['sh', '-c', 'n=0; while [ $n -lt $1 ]; do /bin/true & wait $!; n=$((n + 1)); done', 'sh'],
    waiting: [
      'sh',
      '-c',
      'n=0; while [ $n -lt $1 ]; do (sleep 1000; :) & n=$((n + 1)); done; echo ready; sleep 1000; :',
      'sh',
    ],
  },
  {
    name: `node ${process.version}`,
    start: [node, '-e', 'process.execve("/bin/true", ["true"], {})'],
    steps: [
      node,
      '-e',
      'const { spawn } = require("node:child_process"); let left = Number(process.argv[1]); const next = () => left-- > 0 && spawn("/bin/true", [], { stdio: ["ignore", "pipe", "pipe"], detached: true }).once("close", next); next()',
    ],
    waiting: [
      node,
      '-e',
      'const { spawn } = require("node:child_process"); for (let n = 0; n < Number(process.argv[1]); n++) spawn(process.execPath, ["-e", "setTimeout(() => {}, 1e6)"], { stdio: "ignore" }); setTimeout(() => console.log("ready"), 3000); setTimeout(() => {}, 1e6)',
    ],
  },
  { name: 'setpriv --no-new-privs (util-linux)', start: ['setpriv', '--no-new-privs', 'true'] },
  {
    name: 'setpriv --landlock-access fs (util-linux 2.40)',
    start: ['setpriv', '--landlock-access', 'fs', '--landlock-rule', 'path-beneath:execute,read-file:/', 'true'],
  },
  { name: 'unshare --user --net (util-linux)', start: ['unshare', '--user', '--net', 'true'] },
  { name: 'prlimit (util-linux)', start: ['prlimit', '--nofile=1024', 'true'] },
  { name: 'bwrap --ro-bind / /', start: ['bwrap', '--ro-bind', '/', '/', 'true'] },
];

/** Milliseconds of CPU for each step: the launcher's own and the command's, without the start of the launcher. */
async function cpuOfStep(command: readonly string[]): Promise<number> {
  const [program, ...args] = command as [string, ...string[]];
  const cpuOf = async (steps: number) => {
    const from = childrenCpu();
    const { code, stderr } = await run(program, [...args, String(steps)], { env: ENVIRONMENT, timeoutMs: 120_000 });
    if (code !== 0) throw new Error(stderr);
    return childrenCpu() - from;
  };
  const idle = await cpuOf(1);
  return ((await cpuOf(STEPS)) - idle) / (STEPS - 1);
}

/** Megabytes (proportional set size) for each process that waits, and of the launcher. */
async function memoryOfWaiting(command: readonly string[]): Promise<readonly [each: number, launcher: number]> {
  const memory = async (waiting: number) => {
    const [program, ...args] = command as [string, ...string[]];
    const child = start(program, [...args, String(waiting)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: ENVIRONMENT,
      detached: true,
    });
    const release = killAtEnd(-(child.pid ?? 0));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    await delay(300);
    const megabytes = memoryOf([child.pid as number]);
    process.kill(-(child.pid as number), 'SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    release();
    return megabytes;
  };
  const alone = await memory(0);
  return [((await memory(WAITING)) - alone) / WAITING, alone];
}

console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`);
console.log('\nCPU of one start that becomes `true`, medians:');
const rounds = new Map<string, number[]>();
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, start: command } of LANGUAGES) {
    const before = rounds.get(name);
    if (round > 0 && before === undefined) continue;
    const cpu = await cpuOfStart(command);
    if (typeof cpu === 'string') console.log(`  ${name}: ${cpu}`);
    else rounds.set(name, [...(before ?? []), cpu]);
  }
}
const alone = median(rounds.get('the command alone') ?? []);
for (const [name, values] of rounds) {
  console.log(
    `  ${name}: ${median(values).toFixed(2)} ms, ${(median(values) - alone).toFixed(2)} ms more than the command`,
  );
}
console.log('\nCPU of a step behind a launcher that runs, and memory (proportional set size):');
for (const { name, steps, waiting } of LANGUAGES) {
  if (steps === undefined || waiting === undefined || !rounds.has(name)) continue;
  const values: number[] = [];
  for (let round = 0; round < ROUNDS; round++) values.push(await cpuOfStep(steps));
  const [each, launcher] = await memoryOfWaiting(waiting);
  console.log(
    `  ${name}: ${median(values).toFixed(2)} ms; launcher ${launcher.toFixed(1)} MB, each waiting process ${each.toFixed(2)} MB`,
  );
}
