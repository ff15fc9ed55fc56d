/** Tests whether tasks can run in a cluster: its version, the permissions of Dais, its nodes, its admission rules, and a task. */
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { pause } from '#lib/concurrency/pause.ts';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { Resources } from '../../contract.ts';
import type { TargetCompute, TargetReport } from '../../model/target.ts';
import { keepNode, type KeptNode } from '../cluster-view.ts';
import { isUsable, largestTaskOfPools } from '../plan/node-capacity.ts';
import { planJob } from '../plan/pod-plan.ts';
import type { TargetOptions } from '../plan/target-options.ts';
import { targetFailure } from '../target-failure.ts';
import { missingPermissions } from './permission-review.ts';

export interface ProbeOptions {
  readonly client: ClusterClient;
  /** With the namespace of test tasks. */
  readonly target: TargetOptions;
  readonly signal: AbortSignal;
}

/** Sidecars that end after the task, and Jobs that replace pods only after their end, are stable since this version. */
const OLDEST_MINOR = 33;
const TASK_MS = 110_000;

/** Never throws for what the cluster does. */
export async function probeCluster({ client, target, signal }: ProbeOptions): Promise<TargetReport> {
  let version: string | undefined;
  try {
    const { gitVersion, minor } = JSON.parse(await client.read('/version', {}, { signal })) as Version;
    version = gitVersion.replace(/^v/, '');
    const old = oldVersion(version, Number.parseInt(minor, 10));
    const missing = await missingPermissions(client, target.namespace, signal);
    const isKueue = await servesKueue(client, signal);
    const problems = [...old, ...missing, ...kueueProblems(target, isKueue)];
    const nodes = missing.length === 0 ? await readNodes(client, signal) : [];
    const usable = nodes.filter((node) => isUsable(node, target));
    if (missing.length === 0) problems.push(...(await admissionProblems(client, target, signal)));
    return {
      version,
      problems,
      warnings: usable.length === 0 && missing.length === 0 ? [nodeWarning(nodes, target)] : [],
      features: isKueue ? ['kueue'] : [],
      nodes: usable.length,
      resources: totalOf(usable),
      largestTask: largestTaskOfPools(nodes, target),
    };
  } catch (error) {
    const readable = targetFailure(error);
    if (!(readable instanceof DaisError)) throw readable;
    return {
      version,
      problems: [readable.message],
      warnings: [],
      features: [],
      nodes: 0,
      resources: {},
      largestTask: {},
    };
  }
}

interface Version {
  readonly gitVersion: string;
  readonly minor: string;
}

function oldVersion(version: string, minor: number): string[] {
  if (!(minor < OLDEST_MINOR)) return [];
  return [`The cluster runs Kubernetes ${version}. Dais needs 1.${OLDEST_MINOR} or newer: upgrade the cluster.`];
}

async function servesKueue(client: ClusterClient, signal: AbortSignal): Promise<boolean> {
  try {
    await client.read('/apis/kueue.x-k8s.io', {}, { signal });
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return false;
    throw error;
  }
}

function kueueProblems({ kueueQueue }: TargetOptions, isKueue: boolean): string[] {
  if (kueueQueue === undefined || isKueue) return [];
  return [
    `The target has the queue \`${kueueQueue}\`, but Kueue is not installed. Install it, or remove \`spec.kueue\`.`,
  ];
}

async function readNodes(client: ClusterClient, signal: AbortSignal): Promise<readonly KeptNode[]> {
  const collection = { version: 'v1', resource: 'nodes' };
  return (await client.list<KeptNode>(collection, { project: keepNode, signal })).items;
}

function nodeWarning(nodes: readonly KeptNode[], { nodeSelector }: TargetOptions): string {
  const selector = nodeSelector === undefined ? '' : ', or change `spec.nodeSelector`';
  return nodes.length === 0
    ? 'The cluster has no nodes now. Steps wait until an autoscaler adds one.'
    : `None of the ${nodes.length} nodes accepts pods of this target now. Steps wait: add nodes or tolerations${selector}.`;
}

function totalOf(nodes: readonly KeptNode[]): Resources {
  const total: Record<string, number> = {};
  for (const { allocatable } of nodes) {
    for (const [name, amount] of Object.entries(allocatable)) {
      if (name !== 'pods' && !name.startsWith('hugepages-')) total[name] = (total[name] ?? 0) + amount;
    }
  }
  return total;
}

/** What the rules of the cluster say about a Job of a small task, without creating it. */
async function admissionProblems(client: ClusterClient, target: TargetOptions, signal: AbortSignal): Promise<string[]> {
  const attempt = 'probe';
  const task = { attempt, specDigest: '0'.repeat(32), resources: {}, limits: {}, network: false };
  // In a namespace that surely exists: the one of test tasks is created with the first of them.
  const job = planJob(task, { ...target, namespace: 'default' }, 1);
  const collection = { group: 'batch', version: 'v1', resource: 'jobs', namespace: 'default' };
  try {
    await client.create(collection, job, { dryRun: true, signal });
    return [];
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 403) return [];
    const readable = targetFailure(error);
    return readable instanceof DaisError ? [readable.message] : [];
  }
}

/** Returns why a view of the namespace stays empty: the permissions that are missing. Undefined: they are there. */
export async function explainSilence(client: ClusterClient, namespace: string): Promise<string | undefined> {
  const missing = await missingPermissions(client, namespace);
  return missing.length === 0 ? undefined : missing.join(' ');
}

/** Runs a task and removes it. Returns why it did not succeed, with what to check. */
export async function runProbeTask(
  compute: TargetCompute,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const attempt = `probe-${clock.now()}`;
  const text = 'This file shows that inputs arrive.';
  const timeout = new AbortController();
  const cancel = clock.after(TASK_MS, () => timeout.abort());
  const ends = AbortSignal.any([signal, timeout.signal]);
  try {
    await compute.submit({
      attempt,
      command: ['/bin/sh', '-c', 'cat input > output'],
      variables: {},
      secretVariables: {},
      inputs: [{ path: 'input', text, open: async () => await Promise.resolve(Readable.from([text])) }],
      outputs: [{ name: 'output', path: 'output' }],
      resources: {},
      limits: { wallMs: 60_000, diskBytes: 16 * 2 ** 20 },
      isolation: 'required',
      network: false,
    });
    const state = await compute.wait(attempt, ends);
    if (signal.aborted) return 'The probe was interrupted. Run it again.';
    if (state?.phase === 'preparing' || state?.phase === 'running') return slowTask(compute.note(attempt));
    if (state?.phase === 'lost' || state?.phase === 'refused') return `The test task did not run: ${state.reason}`;
    if (state?.phase !== 'ended') return 'The test task disappeared from the cluster.';
    if (state.end !== 'exit' || state.code !== 0) {
      const why = state.detail ?? `it ended with ${state.end}, code ${state.code ?? 'unknown'}`;
      return `The test task failed: ${why}. The image needs /bin/sh.`;
    }
    for await (const file of compute.outputs(attempt)) if (file.size === text.length) return undefined;
    return 'The test task returned no output. See the log of the server.';
  } finally {
    cancel();
    await forget(compute, attempt, clock);
  }
}

function slowTask(note: string | undefined): string {
  const seconds = TASK_MS / 1000;
  if (note !== undefined) return `The test task did not end within ${seconds} s: it ${note}.`;
  return (
    `The test task did not end within ${seconds} s. Check that pods reach \`spec.agent.url\`, that network policies permit it ` +
    '(`spec.agent.peers`), and that the nodes can pull the images.'
  );
}

async function forget(compute: TargetCompute, attempt: string, clock: Clock): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      await compute.forget(attempt);
      return;
    } catch {
      await pause(clock, 1000, new AbortController().signal);
    }
  }
}
