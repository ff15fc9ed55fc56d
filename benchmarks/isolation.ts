/**
 * CPU that isolation costs for each start of a program, for each boundary that this machine offers: of the wrapper alone around
 * `true`, and of a whole run of the isolation engine (with its limits, and its guard where control groups do not hold them).
 * Elapsed times depend on the load of the machine, CPU hardly does.
 *
 *     npx tsx --conditions=dais-source benchmarks/isolation.ts
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { findPython } from '../tools/python.mjs';
import type { Boundary, IsolatedRun, IsolationOptions } from '../packages/server/src/engines/isolation/contract.ts';
import { openIsolation } from '../packages/server/src/engines/isolation/open-isolation.ts';
import { run as runProgram } from '../packages/server/src/lib/process.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const STARTS = 60;
const ROUNDS = 3;
const TICK_MS = 10;
const LIMIT_MS = 30;
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
/** Prints the CPU of its children in ms. Arguments: number of starts, file for standard input, the command. */
const MEASURE = `my ($starts, $input) = splice @ARGV, 0, 2;
for (1 .. $starts) { open STDIN, '<', $input or die; system { $ARGV[0] } @ARGV and die "it failed: $?\\n" }
my (undef, undef, $user, $system) = times; print 1000 * ($user + $system)`;

const claims = new Claims();
const folder = benchmarkFolder('isolation');

/** The median of several rounds, each of many starts one after another. */
async function cpuOfStart(command: readonly string[], input: Uint8Array = Buffer.alloc(0)): Promise<number> {
  const file = join(folder, 'input');
  await writeFile(file, input);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { code, stdout, stderr } = await runProgram('perl', ['-e', MEASURE, String(STARTS), file, ...command], {
      env: ENVIRONMENT,
    });
    if (code !== 0) throw new Error(stderr);
    rounds.push(Number(stdout.toString()) / STARTS);
  }
  return rounds.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

/** CPU of this process and of its children that have ended, in ms. */
async function ownCpu(): Promise<number> {
  const text = await readFile('/proc/self/stat', 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * TICK_MS, 0);
}

const trueRun: IsolatedRun = {
  workload: 'step',
  owner: 'benchmark',
  command: ['true'],
  limits: { memoryBytes: 2 ** 30 },
  network: { type: 'none' },
  files: { readable: [], writable: [] },
};

async function measureBoundary(boundary: Boundary, options: IsolationOptions, bare: number): Promise<void> {
  const isolation = openIsolation({ ...options, boundaries: [boundary] });
  const report = await isolation.report();
  const name = `${boundary}, limits by ${report.limits}`;
  if (report.boundary !== boundary) {
    console.log(`${name}: not available here`);
    return;
  }
  const confined = await isolation.confine(trueRun, {
    filterDescriptor: 0,
    hasControlGroups: report.limits === 'cgroup',
  });
  const wrapper = (await cpuOfStart(confined.command, confined.filter)) - bare;
  const from = await ownCpu();
  for (let n = 0; n < STARTS; n++) {
    const started = await isolation.start(trueRun, { variables: ENVIRONMENT });
    started.ref();
    const end = await started.ended;
    if (end.code !== 0) throw new Error(end.reason);
  }
  const whole = ((await ownCpu()) - from) / STARTS - bare;
  await isolation.close();
  const status = claims.judge(
    `isolation by ${name}: at most ${LIMIT_MS} ms of CPU for each start`,
    wrapper <= LIMIT_MS,
    `${wrapper.toFixed(1)} ms`,
  );
  console.log(
    `${name}: wrapper ${wrapper.toFixed(1)} ms, whole run ${whole.toFixed(1)} ms of CPU; at most ${LIMIT_MS} ms: ${status}`,
  );
}

console.log(
  `${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}, user ${process.getuid?.()}`,
);
const bare = await cpuOfStart(['true']);
console.log(`true alone: ${bare.toFixed(1)} ms of CPU; it is subtracted from what follows`);
for (const limits of [undefined, 'rlimit'] as const) {
  for (const boundary of ['bubblewrap', 'bubblewrap-without-proc', 'landlock'] as const) {
    await measureBoundary(boundary, limits === undefined ? {} : { limits }, bare);
  }
}
// The launcher of Landlock is in Perl: what its language costs alone, and what Python would.
const { path: python } = await findPython();
for (const [name, command] of [
  ['perl', ['perl', '-e', 'exec "true"']],
  ['python3 -I -S', [python, '-I', '-S', '-c', 'import os; os.execvp("true", ["true"])']],
  ['python3 -I -S with ctypes', [python, '-I', '-S', '-c', 'import os, ctypes; os.execvp("true", ["true"])']],
] as const) {
  console.log(`${name} that becomes true: ${((await cpuOfStart(command)) - bare).toFixed(1)} ms of CPU`);
}
claims.end();
