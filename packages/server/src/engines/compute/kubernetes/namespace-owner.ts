/** Makes sure that the namespace of a project is its own: a namespace of the same name can belong to somebody else. */
import { DaisError } from '@dais/api/errors';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { found } from './cluster-view.ts';
import { labelValue, LABELS } from './plan/names.ts';

export interface NamespaceOwner {
  readonly installation: string;
  readonly project: string;
}

/**
 * Resolves when the namespace does not exist, or belongs to the project.
 * @throws DaisError `target_unavailable` for the namespace of another owner, with the remedy; errors of the client
 */
export async function checkNamespace(
  client: ClusterClient,
  namespace: string,
  { installation, project }: NamespaceOwner,
): Promise<void> {
  const object = await found(client.get({ version: 'v1', resource: 'namespaces', name: namespace }));
  if (object === undefined) return;
  const { labels = {}, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined) {
    throw new DaisError(
      'target_unavailable',
      `The namespace \`${namespace}\` is being deleted. Dais creates it again.`,
    );
  }
  const [owner, of] = [labels[LABELS.installation], labels[LABELS.project]];
  const own = [labelValue(installation), labelValue(project)];
  if (owner === own[0] && of === own[1]) return;
  const whose =
    owner === undefined
      ? 'exists and is not one of Dais'
      : owner === own[0]
        ? `belongs to the project "${of ?? ''}"`
        : 'belongs to another installation of Dais';
  const label = `kubectl label --overwrite namespace ${namespace} ${LABELS.installation}=${own[0]} ${LABELS.project}=${own[1]}`;
  throw new DaisError(
    'target_unavailable',
    `The namespace \`${namespace}\` ${whose}. Choose another \`spec.namespacePrefix\` of the target, or hand the namespace over: ${label}`,
  );
}
