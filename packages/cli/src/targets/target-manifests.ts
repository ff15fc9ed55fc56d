/** Manifests of `dais target add`: the Target, and the Secret with its kubeconfig. Pure functions. */
import { DaisError, type Manifest, type Resource } from '@dais/api';
import type { TargetSpec } from '@dais/api/executions';

export interface TargetOptions {
  readonly inCluster?: true;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly secret?: string;
  readonly image?: string;
  readonly agentImage?: string;
  readonly agentUrl?: string;
  readonly maxTasks?: number;
  readonly namespacePrefix?: string;
}

export interface KubeconfigSecret {
  readonly project: string;
  readonly name: string;
  /** Text of the kubeconfig. */
  readonly text: string;
  /** The Secret, if it exists. */
  readonly existing: Resource | undefined;
}

/** What a resource keeps of its present metadata. */
type OwnMetadata = Pick<Manifest['metadata'], 'labels' | 'annotations'>;

const LOCAL = 'local';
const KEY = 'kubeconfig';

/** @throws DaisError `invalid_request` for options that contradict each other */
export function checkTargetOptions(name: string, options: TargetOptions): void {
  const { inCluster = false, kubeconfig, context, secret } = options;
  if (name === LOCAL) {
    throw new DaisError(
      'invalid_request',
      `The target "${LOCAL}" is the machines of the server. Choose another name for a cluster.`,
    );
  }
  if (inCluster && kubeconfig !== undefined) {
    throw new DaisError('invalid_request', 'Give --in-cluster or --kubeconfig, not both.');
  }
  if (kubeconfig === undefined && (context !== undefined || secret !== undefined)) {
    const option = context === undefined ? '--secret' : '--context';
    throw new DaisError('invalid_request', `${option} needs --kubeconfig FILE.`);
  }
}

/** `gpu-kubeconfig` */
export function secretName(target: string, { secret }: TargetOptions): string {
  return secret ?? `${target}-kubeconfig`;
}

/** @throws DaisError `conflict` for a Secret with other keys, whose values would be lost */
export function secretManifest(target: string, { project, name, text, existing }: KubeconfigSecret): Manifest {
  const keys = (existing?.status as { readonly keys?: readonly string[] } | undefined)?.keys ?? [];
  const others = keys.filter((key) => key !== KEY);
  if (others.length > 0) {
    throw new DaisError(
      'conflict',
      `The Secret "${name}" of the project "${project}" has other keys, which would be lost: ${others.join(', ')}. Choose another name with --secret.`,
    );
  }
  const description = existing?.spec['description'] ?? `Kubeconfig of the target ${target}.`;
  return {
    apiVersion: 'dais.dev/v1',
    kind: 'Secret',
    metadata: { name, project, ...ownMetadata(existing) },
    spec: { description, data: { [KEY]: text } },
  };
}

/**
 * Returns the manifest of a target. Options that are not given keep the values of an existing target.
 * @throws DaisError `invalid_request` for a new target without a cluster, and for a target of another type
 */
export function targetManifest(
  name: string,
  options: TargetOptions,
  { secret, existing }: { readonly secret: KubeconfigSecret | undefined; readonly existing: Resource | undefined },
): Manifest {
  const before = existing?.spec as TargetSpec | undefined;
  if (before !== undefined && before.type !== 'kubernetes') {
    throw new DaisError(
      'invalid_request',
      `The target "${name}" is not a cluster: its type is \`${before.type}\`, which cannot be changed. Choose another name.`,
    );
  }
  if (before === undefined && secret === undefined && options.inCluster !== true) {
    throw new DaisError(
      'invalid_request',
      'Give --kubeconfig FILE, or --in-cluster for the cluster in which Dais runs.',
    );
  }
  const { image, agentImage, agentUrl, maxTasks, namespacePrefix } = options;
  const agent = {
    ...before?.agent,
    ...(agentImage !== undefined && { image: agentImage }),
    ...(agentUrl !== undefined && { url: agentUrl }),
  };
  return {
    apiVersion: 'dais.dev/v1',
    kind: 'Target',
    metadata: { name, ...ownMetadata(existing) },
    spec: {
      ...before,
      type: 'kubernetes',
      ...(options.inCluster === true && { cluster: { inCluster: true } }),
      ...(secret !== undefined && {
        cluster: { kubeconfig: { project: secret.project, secret: secret.name, key: KEY } },
      }),
      ...(Object.keys(agent).length > 0 && { agent }),
      ...(image !== undefined && { image }),
      ...(maxTasks !== undefined && { maxTasks }),
      ...(namespacePrefix !== undefined && { namespacePrefix }),
    },
  };
}

function ownMetadata(existing: Resource | undefined): OwnMetadata {
  if (existing === undefined) return {};
  const { labels, annotations } = existing.metadata;
  return { labels, annotations };
}
