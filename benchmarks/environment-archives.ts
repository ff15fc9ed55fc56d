/**
 * Packs a Python environment with numpy, pandas and scikit-learn for pods, and unpacks it with the real agent, which has a memory limit of 192 MiB.
 * CPU of the packing is that of this process, of the unpacking that of the agent. Linux, as root: the agent's command runs in a container of the tests.
 *
 *     npx tsx --conditions=dais-source benchmarks/environment-archives.ts
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DaisError } from '../packages/api/src/index.ts';
import { packEnvironment } from '../packages/server/src/engines/compute/kubernetes/environment-archive.ts';
import { startPod } from '../packages/server/src/engines/compute/kubernetes/agent/pod.testing.ts';
import { openUvEnvironments } from '../packages/server/src/engines/environments/uv/uv-environments.ts';
import { silentLog } from '../packages/server/src/lib/log.ts';
import { TestNet } from '../packages/server/src/lib/outbound/outbound.testing.ts';
import { environmentFlags } from '../packages/server/src/testing/environment-flags.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';
import { describeMachine } from './lib/own-server.ts';
import { ownCpuOf } from './lib/processes.ts';
import { resultTable } from './lib/result-table.mjs';

const PACKAGES = ['numpy==2.3.1', 'pandas==2.3.1', 'scikit-learn==1.7.0'];
/** Of the container of the agent. */
const MOST_MIB = 192;
const MIB = 2 ** 20;

console.log(`an environment with ${PACKAGES.join(', ')}; ${describeMachine()}`);
const folder = benchmarkFolder('environment-archives');
const flags = await environmentFlags();
const net = new TestNet();
const environments = openUvEnvironments({
  folder: join(folder, 'environments'),
  maxBytes: 2 ** 40,
  uv: flags['environments.uv'],
  index: flags['environments.index'],
  extraCa: flags['outbound.extraCa'],
  sourceBuilds: 'never',
  outbound: net.client({ fail: (code, detail, cause) => new DaisError(code, detail, { cause }) }),
  // The Python of the system: it is part of images, and not of the archive.
  environment: { PATH: '/usr/bin:/bin' },
  now: () => Date.now(),
  log: silentLog,
});
const lock = await environments.lock({ type: 'python', requirements: PACKAGES, indexes: [] });
const built = await environments.build(lock);
const root = join(folder, 'pod');
mkdirSync(root);

const [packFrom, packCpu] = [performance.now(), process.cpuUsage()];
const packed = await packEnvironment(built, root);
const archive = await buffer(packed.bytes);
const { user, system } = process.cpuUsage(packCpu);
const packing = { seconds: (performance.now() - packFrom) / 1000, cpu: (user + system) / 1e6 };

const unpackFrom = performance.now();
const pod = await startPod(['python', '-c', 'import numpy, pandas, sklearn; print("imported")'], {
  path: packed.path,
  variables: packed.variables,
  environment: {
    folder: root,
    input: 0,
    size: archive.length,
    sha256: createHash('sha256').update(archive).digest('hex'),
    unpackedBytes: packed.unpackedBytes,
    links: packed.links,
    libraries: packed.libraries,
  },
  prepare: (dais) => void (dais.inputs as Buffer[]).push(archive),
});
let unpacking: { readonly seconds: number; readonly cpu: number } | undefined;
let peak = 0;
while (pod.dais.end === undefined) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const status = readFileSync(`/proc/${pod.agentPid}/status`, 'utf8');
  peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? peak * 1024) / 1024;
  const hasStarted = pod.dais.beats.some(({ phase }) => phase === 'running');
  if (hasStarted)
    unpacking ??= { seconds: (performance.now() - unpackFrom) / 1000, cpu: ownCpuOf(pod.agentPid) / 1000 };
}
await pod.finish();
const { log } = pod.dais;
await pod.end();
await built.release();
await net.end();
if (log !== 'imported\n') throw new Error(`the packages cannot be imported: ${log}`);

const row = (what: string, bytes: number, { seconds, cpu }: { readonly seconds: number; readonly cpu: number }) => [
  what,
  (bytes / MIB).toFixed(0),
  seconds.toFixed(1),
  cpu.toFixed(1),
];
const columns = ['measurement', 'MiB', 'seconds', 'CPU (s)'];
const rows = [
  row('pack (size of the archive)', archive.length, packing),
  row('start the agent and unpack (size on the disk)', packed.unpackedBytes, unpacking ?? { seconds: NaN, cpu: NaN }),
];
console.log(`\n${resultTable('Environment for pods', columns, rows)}`);
const claims = new Claims();
const measured = `${peak.toFixed(0)} MiB`;
console.log(
  `\npeak memory of the agent ${measured}: ${claims.judge('the agent unpacks within its memory limit of 192 MiB', peak < MOST_MIB, measured)}`,
);
claims.end();
