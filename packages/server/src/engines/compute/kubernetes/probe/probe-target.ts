/** Tests a target: its cluster, and on request with pods. The time of each part is limited, so that a probe ends. */
import { isIP } from 'node:net';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { ConnectionError } from '#lib/kubernetes/connection-error.ts';
import type { TargetCompute, TargetReport } from '../../model/target.ts';
import type { Connected } from '../target-connection.ts';
import { openingFailure } from '../target-failure.ts';
import { POD_MS, probeFeatures } from './feature-pods.ts';
import { CONTROL, evaluateNetwork, METADATA, type TestedAddress } from './network-enforcement.ts';
import { NOTHING, probeCluster, type ClusterFindings, type ClusterProbe } from './probe-cluster.ts';
import { runProbeTask } from './probe-task.ts';

/** What only pods show. */
export interface PodFindings {
  readonly features: readonly string[];
  readonly warnings: readonly string[];
}

export interface TargetProbe extends Omit<ClusterProbe, 'client'> {
  readonly connect: () => Promise<Connected>;
  /** Opens the engine of test tasks. Absent: without pods. */
  readonly open?: () => Promise<TargetCompute>;
  /** Of the last probe with pods: a probe without pods keeps them. */
  readonly findings?: PodFindings;
  readonly clock: Clock;
}

export interface ProbedTarget {
  readonly report: TargetReport;
  readonly findings: PodFindings | undefined;
}

const CLUSTER_MS = 9000;
/** From the start of the probe: with the removal of the pods, it takes at most 2 minutes. */
const TASK_MS = 85_000;
/** For pods of features, after the end of the test task. */
const MORE_MS = 10_000;

/** Never throws for what the cluster does. @throws the reason of `signal` */
export async function probeTarget(probe: TargetProbe): Promise<ProbedTarget> {
  const { open, findings, clock, signal } = probe;
  const until = clock.now() + TASK_MS;
  const { found, connected } = await probeWithinLimit(probe);
  signal.throwIfAborted();
  const { report } = found;
  if (connected === undefined || report.problems.length > 0) return { report, findings };
  if (open === undefined) return { report: withFindings(report, findings), findings };
  try {
    const pods = await probePods({ ...probe, open, until }, connected, found);
    if (typeof pods === 'string') return { report: { ...report, problems: [pods] }, findings };
    return { report: withFindings(report, pods), findings: pods };
  } catch (error) {
    signal.throwIfAborted();
    return { report: { ...report, problems: [messageOf(error)] }, findings };
  }
}

interface Limited {
  readonly found: ClusterFindings;
  readonly connected: Connected | undefined;
}

async function probeWithinLimit(probe: TargetProbe): Promise<Limited> {
  const { connect, clock, signal } = probe;
  const timeout = new AbortController();
  let connected: Connected | undefined;
  const cancel = clock.after(CLUSTER_MS, () => {
    const what = connected === undefined ? 'The configuration' : `The API server ${connected.config.server.origin}`;
    const late = `${what} did not respond to all questions within ${CLUSTER_MS / 1000} s.`;
    timeout.abort(new ConnectionError('timeout', `${late} Check its load and the network.`));
  });
  const ends = AbortSignal.any([signal, timeout.signal]);
  try {
    connected = await Promise.race([connect(), untilAborted(ends)]);
    return { found: await probeCluster({ ...probe, client: connected.client, signal: ends }), connected };
  } catch (error) {
    signal.throwIfAborted();
    return { found: { isServerOnNodes: false, report: { ...NOTHING, problems: [messageOf(error)] } }, connected };
  } finally {
    cancel();
  }
}

/** Returns what the pods showed, or why the test task did not succeed. */
async function probePods(
  {
    target,
    open,
    until,
    clock,
    signal,
  }: TargetProbe & Required<Pick<TargetProbe, 'open'>> & { readonly until: number },
  connected: Connected,
  { isServerOnNodes }: ClusterFindings,
): Promise<PodFindings | string> {
  const { client } = connected;
  const compute = await open();
  const addresses = [
    daisAddress(compute.url),
    ...(await testedAddresses(connected, target.agent.image, isServerOnNodes)),
  ];
  const stop = new AbortController();
  const ends = AbortSignal.any([signal, stop.signal]);
  let featuresUntil = clock.now() + POD_MS;
  const features = probeFeatures(client, { target, until: () => featuresUntil, clock, signal: ends });
  try {
    const task = await runProbeTask(compute, { addresses, until, clock, signal });
    // Their pods started at the same time, with the same images.
    featuresUntil = Math.min(featuresUntil, clock.now() + MORE_MS);
    if (task.problem !== undefined) return task.problem;
    const network = evaluateNetwork(addresses, task.results, target.baseImage);
    return { features: [...(await features), ...network.features], warnings: network.warnings };
  } finally {
    // Nothing of it may be left.
    stop.abort(new Error('the test task ended'));
    await features.catch(() => {});
  }
}

function daisAddress(url: string): TestedAddress {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  return { name: CONTROL, host, port: number, what: 'Dais', isSure: false, isExempt: true };
}

async function testedAddresses(
  { client, config: { server } }: Connected,
  agentImage: string,
  isServerOnNodes: boolean,
): Promise<readonly TestedAddress[]> {
  const service = await serviceAddress(client);
  const isExempt = isServerOnNodes;
  const what = 'the API server';
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const port = server.port === '' ? 443 : Number(server.port);
  const registry = registryOf(agentImage);
  return [
    {
      name: 'service',
      host: service ?? 'kubernetes.default.svc',
      port: 443,
      what,
      // A name may be unknown in the cluster.
      isSure: service !== undefined && !isExempt,
      isExempt,
    },
    ...(isIP(host) === 0 || host === service ? [] : [{ name: 'server', host, port, what, isSure: false, isExempt }]),
    ...(registry === undefined ? [] : [registry]),
    METADATA,
  ];
}

/** Undefined: Dais may not read it. */
async function serviceAddress(client: ClusterClient): Promise<string | undefined> {
  try {
    const service = await client.get({ version: 'v1', resource: 'services', namespace: 'default', name: 'kubernetes' });
    const { clusterIP = '' } = (service['spec'] ?? {}) as { readonly clusterIP?: string };
    return isIP(clusterIP) === 0 ? undefined : clusterIP;
  } catch {
    return undefined;
  }
}

/** The nodes reach it, and tasks without network access must not. Undefined: the image names none. */
function registryOf(image: string): TestedAddress | undefined {
  const [, host = '', port] = /^([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::(\d{1,5}))?\//.exec(image) ?? [];
  if (host === '') return undefined;
  const what = "the registry of the agent's image";
  return { name: 'registry', host, port: Number(port ?? 443), what, isSure: false, isExempt: false };
}

function withFindings(report: TargetReport, findings: PodFindings | undefined): TargetReport {
  if (findings === undefined) return report;
  const { features, warnings } = findings;
  return { ...report, features: [...report.features, ...features], warnings: [...report.warnings, ...warnings] };
}

/** @throws errors that are no message for people */
function messageOf(error: unknown): string {
  const readable = openingFailure(error);
  if (readable instanceof DaisError) return readable.message;
  throw readable;
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  return await new Promise<never>((_resolve, reject) => {
    const end = () => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
