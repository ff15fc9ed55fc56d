/** Runs a Kubernetes on this machine: npm run kubernetes -- help. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startControlPlane } from './control-plane.ts';
import { startKueue } from './kueue-manager.ts';
import { kueuePrograms } from './kueue-programs.ts';
import { startNodeCluster } from './node-cluster.ts';
import { DEFAULT_VERSION, kubernetesPrograms, VERSIONS, type KubernetesVersion } from './programs.ts';
import { startSimulatedNodes } from './simulated-nodes.ts';

const USAGE = `usage: npm run kubernetes -- <command> [options]

  build          builds the programs of Kubernetes and Kueue, if they are not built yet
  control-plane  starts etcd, the API server, the controller manager and the scheduler; without root
  up             starts a cluster with a node that runs pods; needs root

  --version V    ${Object.keys(VERSIONS).join(' or ')}; default ${DEFAULT_VERSION}
  --nodes N      control-plane: adds N simulated nodes, which run no containers
  --kueue        control-plane: adds Kueue

A cluster prints how to connect, and runs until Ctrl-C. Nothing remains but the programs.
`;

const { values, positionals } = readArguments();
const [command = 'help'] = positionals;
if (!(values.version in VERSIONS)) refuse(`--version must be one of ${Object.keys(VERSIONS).join(', ')}.`);
const version = values.version as KubernetesVersion;

if (command === 'build') {
  process.stdout.write(`${await kubernetesPrograms(version)}\n${await kueuePrograms()}\n`);
} else if (command === 'control-plane') {
  const controlPlane = await startControlPlane({ version, controllers: true });
  const nodes = await startSimulatedNodes(controlPlane.kubeconfig, { count: Number(values.nodes) });
  const kueue = values.kueue ? await startKueue(controlPlane) : undefined;
  await untilInterrupted(controlPlane.kubeconfig);
  await kueue?.stop();
  await nodes.stop();
  await controlPlane.stop();
} else if (command === 'up') {
  const cluster = await startNodeCluster(version);
  await untilInterrupted(cluster.controlPlane.kubeconfig);
  await cluster.stop();
} else {
  process.stdout.write(USAGE);
  process.exitCode = command === 'help' ? 0 : 2;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        version: { type: 'string', default: DEFAULT_VERSION },
        nodes: { type: 'string', default: '0' },
        kueue: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(problem: string): never {
  process.stderr.write(`${problem}\n\n${USAGE}`);
  process.exit(2);
}

async function untilInterrupted(kubeconfig: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'dais-kubeconfig-'));
  const file = join(folder, 'config');
  writeFileSync(file, kubeconfig, { mode: 0o600 });
  process.stdout.write(`Kubernetes ${VERSIONS[version]} is ready.\n\n  export KUBECONFIG=${file}\n\nCtrl-C ends it.\n`);
  const interrupted = new AbortController();
  await Promise.race(
    ['SIGINT', 'SIGTERM'].map(async (signal) => await once(process, signal, { signal: interrupted.signal })),
  );
  interrupted.abort();
  rmSync(folder, { recursive: true, force: true });
}
