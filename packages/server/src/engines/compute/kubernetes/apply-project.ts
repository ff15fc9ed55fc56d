/** Creates what the pods of a project need in its namespace, and updates it when the target or the quota has changed. */
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { NetworkOptions } from './plan/network-policies.ts';
import { planProjectObjects, type ProjectFacts } from './plan/project-objects.ts';
import type { TargetOptions } from './plan/target-options.ts';

export interface ProjectSetup {
  readonly project: ProjectFacts;
  readonly network: NetworkOptions;
}

const RESOURCES: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  NetworkPolicy: 'networkpolicies',
  LimitRange: 'limitranges',
  ResourceQuota: 'resourcequotas',
};

/** Server-side apply, with force: all these objects belong to Dais. Repeating it changes nothing. */
export async function applyProject(
  client: ClusterClient,
  target: TargetOptions,
  { project, network }: ProjectSetup,
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
    await client.apply(reference, object, { force: true });
  }
}
