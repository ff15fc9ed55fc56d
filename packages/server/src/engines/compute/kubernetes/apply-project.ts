/** Creates what the pods of a project need in its namespace, and updates it when the target or the quota has changed. */
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { claimNamespace } from './namespace-owner.ts';
import type { NetworkOptions } from './plan/network-policies.ts';
import { planProjectObjects, type ProjectFacts } from './plan/project-objects.ts';
import type { TargetOptions } from './plan/target-options.ts';

export interface ProjectSetup {
  readonly project: ProjectFacts;
  readonly network: NetworkOptions;
}

export interface ApplyProjectOptions {
  /** The namespace must be this one. */
  readonly namespaceUid?: string;
  /** Stores nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

const RESOURCES: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  NetworkPolicy: 'networkpolicies',
  LimitRange: 'limitranges',
  ResourceQuota: 'resourcequotas',
};

/**
 * Applies the objects of a project in a namespace that belongs to it alone, which is created if it does not exist.
 * @throws DaisError `target_unavailable` for the namespace of another owner; errors of the client
 */
export async function setUpProject(
  client: ClusterClient,
  target: TargetOptions,
  setup: ProjectSetup,
  signal: AbortSignal,
): Promise<void> {
  const { installation, namespace } = target;
  const owner = { installation, project: setup.project.project };
  const namespaceUid = await claimNamespace(client, namespace, owner, signal);
  await applyProject(client, target, setup, { namespaceUid, signal });
}

/** Server-side apply, with force: all these objects belong to Dais. Repeating it changes nothing. */
export async function applyProject(
  client: ClusterClient,
  target: TargetOptions,
  { project, network }: ProjectSetup,
  { namespaceUid, ...options }: ApplyProjectOptions = {},
): Promise<void> {
  for (const object of planProjectObjects(project, target, network)) {
    const [group = '', version = ''] = object.apiVersion.includes('/')
      ? object.apiVersion.split('/')
      : ['', object.apiVersion];
    const reference = {
      ...(group !== '' && { group }),
      version,
      resource: RESOURCES[object.kind] ?? '',
      ...('namespace' in object.metadata && { namespace: object.metadata.namespace }),
      name: object.metadata.name,
    };
    // The API server refuses an apply to another object of the same name.
    const uid = object.kind === 'Namespace' && namespaceUid !== undefined ? { uid: namespaceUid } : {};
    const content = { ...object, metadata: { ...object.metadata, ...uid } };
    await client.apply(reference, content, { ...options, force: true });
  }
}
