/** Tests whether tasks can run in a cluster without starting any: its version, the permissions of Dais, its nodes and its admission rules. */
import { DaisError } from '@dais/api/errors';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { Resources } from '../../contract.ts';
import type { TargetReport } from '../../model/target.ts';
import { keepNode, type KeptNode } from '../cluster-nodes.ts';
import { checkNamespace } from '../namespace-owner.ts';
import type { NetworkOptions } from '../plan/network-policies.ts';
import { isUsable, largestTaskOfPools } from '../plan/node-capacity.ts';
import type { TargetOptions } from '../plan/target-options.ts';
import { openingFailure } from '../target-failure.ts';
import { admissionProblems } from './admission.ts';
import { probeKueue } from './kueue.ts';
import { missingPermissions } from './permission-review.ts';

export interface ClusterProbe {
  readonly client: ClusterClient;
  /** With the namespace of test tasks. */
  readonly target: TargetOptions;
  /** Namespaces of projects that have tasks. */
  readonly namespaces: readonly string[];
  /** Of a project, by its name. */
  readonly namespaceOf: (project: string) => string;
  readonly network: () => Promise<NetworkOptions>;
  readonly signal: AbortSignal;
}

export interface ClusterFindings {
  readonly report: TargetReport;
  /** The API server runs on nodes that run tasks too. */
  readonly isServerOnNodes: boolean;
}

/** Sidecars that end after the task are stable since this version. */
const OLDEST_MINOR = 33;
/** A project that every installation has. */
const PROJECT = 'default';
const SERVER_LABELS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

export const NOTHING: TargetReport = {
  version: undefined,
  problems: [],
  warnings: [],
  features: [],
  nodes: 0,
  resources: {},
  largestTask: {},
};

/** Never throws for what the cluster does. @throws the reason of `signal` */
export async function probeCluster(probe: ClusterProbe): Promise<ClusterFindings> {
  const { client, target, signal } = probe;
  let version: string | undefined;
  try {
    const { gitVersion, minor } = JSON.parse(await client.read('/version', {}, { signal })) as Version;
    version = gitVersion.replace(/^v/, '');
    const [missing, nodes, namespace] = await Promise.all([
      missingPermissions(client, target.namespace, signal),
      readNodes(client, signal),
      findNamespace(probe),
    ]);
    const namespaces = new Set([...(namespace.isOwn ? [namespace.name] : []), ...probe.namespaces]);
    const [kueue, rejections] = await Promise.all([
      probeKueue(client, { queue: target.kueueQueue, probed: target.namespace, namespaces: [...namespaces], signal }),
      missing.length > 0 || namespace.problem !== undefined ? [] : findRejections(probe, namespace),
    ]);
    const others = namespace.problem === undefined ? [] : [namespace.problem];
    const usable = nodes?.filter((node) => isUsable(node, target)) ?? [];
    return {
      isServerOnNodes: usable.some(({ labels }) => SERVER_LABELS.some((label) => label in labels)),
      report: {
        version,
        problems: [
          ...oldVersion(version, Number.parseInt(minor, 10)),
          ...missing,
          ...others,
          ...kueue.problems,
          ...rejections,
        ],
        warnings: [
          ...(nodes !== undefined && usable.length === 0 ? [nodeWarning(nodes, target)] : []),
          ...kueue.warnings,
        ],
        features: kueue.isInstalled ? ['kueue'] : [],
        nodes: usable.length,
        resources: totalOf(usable),
        largestTask: largestTaskOfPools(usable, target),
      },
    };
  } catch (error) {
    const readable = openingFailure(error);
    if (!(readable instanceof DaisError)) throw readable;
    return { isServerOnNodes: false, report: { ...NOTHING, version, problems: [readable.message] } };
  }
}

interface Version {
  readonly gitVersion: string;
  readonly minor: string;
}

function oldVersion(version: string, minor: number): string[] {
  if (!(minor < OLDEST_MINOR)) return [];
  return [
    `The cluster runs Kubernetes ${version}, without stable sidecar containers, in which Dais stores logs and outputs. Upgrade the cluster to 1.${OLDEST_MINOR} or newer.`,
  ];
}

/** Undefined: Dais may not list them, which the review of permissions reports. */
async function readNodes(client: ClusterClient, signal: AbortSignal): Promise<readonly KeptNode[] | undefined> {
  const collection = { version: 'v1', resource: 'nodes' };
  try {
    return (await client.list<KeptNode>(collection, { project: keepNode, signal })).items;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}

interface ProjectNamespace {
  readonly name: string;
  /** It exists, and belongs to the project. */
  readonly isOwn: boolean;
  /** It belongs to somebody else. */
  readonly problem?: string;
}

async function findNamespace({ client, target, namespaceOf, signal }: ClusterProbe): Promise<ProjectNamespace> {
  const name = namespaceOf(PROJECT);
  try {
    const uid = await checkNamespace(client, name, { installation: target.installation, project: PROJECT }, { signal });
    return { name, isOwn: uid !== undefined };
  } catch (error) {
    if (error instanceof DaisError) return { name, isOwn: false, problem: error.message };
    if (error instanceof ApiError && error.status === 403) return { name, isOwn: false };
    throw error;
  }
}

async function findRejections(
  { client, target, network, signal }: ClusterProbe,
  { name, isOwn }: ProjectNamespace,
): Promise<readonly string[]> {
  let destinations: NetworkOptions;
  try {
    destinations = await network();
  } catch (error) {
    // The host name of Dais is unknown, for example.
    if (error instanceof DaisError) return [error.message];
    throw error;
  }
  return await admissionProblems(client, {
    target: { ...target, namespace: name },
    setup: { project: { project: PROJECT, quota: {} }, network: destinations },
    namespaceExists: isOwn,
    signal,
  });
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
