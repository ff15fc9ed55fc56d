/** What tests with a real Kueue share: the permissions of Dais, and the objects of Kueue. */
import { parseAllDocuments } from 'yaml';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import type { PermissionRule } from './plan/permissions.ts';

export const KUEUE = 'kueue.x-k8s.io';
const RBAC = 'rbac.authorization.k8s.io';
/** The authorizer of the API server follows its own watch. */
const AUTHORIZER_MS = 300;

/** Permits the user `dais` exactly this in the whole cluster. */
export async function permitDais(admin: ClusterClient, rules: readonly PermissionRule[]): Promise<void> {
  const reference = { group: RBAC, version: 'v1', name: 'dais' };
  const [apiVersion, metadata] = [`${RBAC}/v1`, { name: 'dais' }];
  await admin.apply(
    { ...reference, resource: 'clusterroles' },
    { apiVersion, kind: 'ClusterRole', metadata, rules },
    { force: true },
  );
  await admin.apply(
    { ...reference, resource: 'clusterrolebindings' },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'dais' },
      subjects: [{ apiGroup: RBAC, kind: 'User', name: 'dais' }],
    },
    { force: true },
  );
  await new Promise((resolve) => void setTimeout(resolve, AUTHORIZER_MS));
}

export async function createUrgentClass(admin: ClusterClient): Promise<void> {
  await admin.create(
    { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' },
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'urgent' }, value: 1000 },
  );
}

/** Creates or changes objects of Kueue, as `kubectl apply --server-side` does. */
export async function applyQueues(admin: ClusterClient, text: string): Promise<void> {
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as KubernetesObject;
    const { name, namespace } = object.metadata;
    const reference = {
      group: KUEUE,
      version: 'v1beta2',
      resource: `${object.kind.toLowerCase()}s`,
      ...(namespace !== undefined && { namespace }),
      name,
    };
    await admin.apply(reference, object, { force: true });
  }
}
