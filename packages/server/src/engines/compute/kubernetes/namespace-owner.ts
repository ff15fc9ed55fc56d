/** Makes sure that the namespace of a project is its own: a namespace of the same name can belong to somebody else. */
import { DaisError } from '@dais/api/errors';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { CallOptions } from '#lib/kubernetes/call-options.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import { found } from './cluster-view.ts';
import { labelValue, LABELS } from './plan/names.ts';

export interface NamespaceOwner {
  readonly installation: string;
  readonly project: string;
}

/**
 * Returns the uid of the namespace of a project. Undefined: it does not exist.
 * @throws DaisError `target_unavailable` for the namespace of another owner, with the remedy; errors of the client
 */
export async function checkNamespace(
  client: ClusterClient,
  namespace: string,
  owner: NamespaceOwner,
  options: CallOptions,
): Promise<string | undefined> {
  const object = await found(client.get({ version: 'v1', resource: 'namespaces', name: namespace }, options));
  if (object === undefined) return undefined;
  checkOwner(object, owner);
  return object.metadata.uid;
}

/**
 * Returns the uid of the namespace of a project, which is created if it does not exist. Of several installations that do this at the same time, one
 * succeeds.
 * @throws DaisError `target_unavailable` for the namespace of another owner, with the remedy; errors of the client
 */
export async function claimNamespace(
  client: ClusterClient,
  name: string,
  owner: NamespaceOwner,
  signal: AbortSignal,
): Promise<string> {
  const known = await checkNamespace(client, name, owner, { signal });
  if (known !== undefined) return known;
  const labels = {
    [LABELS.installation]: labelValue(owner.installation),
    [LABELS.project]: labelValue(owner.project),
  };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  try {
    // An apply would take the namespace that another installation has created in the meantime.
    const created = await client.create({ version: 'v1', resource: 'namespaces' }, namespace, { signal });
    return created.metadata.uid ?? '';
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
  }
  // Another process was faster: one of this installation, or of another one.
  const uid = await checkNamespace(client, name, owner, { signal });
  if (uid !== undefined) return uid;
  throw new DaisError('target_unavailable', `The namespace \`${name}\` was deleted. Dais creates it again.`);
}

/** Whether a call failed because somebody deleted the namespace. */
export function isNamespaceGone(error: unknown): boolean {
  const cause = error instanceof DaisError ? error.cause : error;
  if (!(cause instanceof ApiError)) return false;
  return (
    (cause.status === 404 && cause.details.kind === 'namespaces') ||
    (cause.status === 403 && /because it is being terminated/.test(cause.message))
  );
}

function checkOwner({ metadata }: KubernetesObject, { installation, project }: NamespaceOwner): void {
  const { name, labels = {}, deletionTimestamp } = metadata;
  const [owner, of] = [labels[LABELS.installation], labels[LABELS.project]];
  const own = [labelValue(installation), labelValue(project)];
  if (owner === own[0] && of === own[1]) {
    if (deletionTimestamp === undefined) return;
    throw new DaisError('target_unavailable', `The namespace \`${name}\` is being deleted. Dais creates it again.`);
  }
  const whose =
    owner === undefined
      ? 'exists and is not one of Dais'
      : owner === own[0]
        ? `belongs to the project "${of ?? ''}"`
        : 'belongs to another installation of Dais';
  const label = `kubectl label --overwrite namespace ${name} ${LABELS.installation}=${own[0]} ${LABELS.project}=${own[1]}`;
  throw new DaisError(
    'target_unavailable',
    `The namespace \`${name}\` ${whose}. Choose another \`spec.namespacePrefix\` of the target, or hand the namespace over: ${label}`,
  );
}
