/** The nodes of a cluster, from one watch for all projects that have tasks there. */
import { isDeepStrictEqual } from 'node:util';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import { Reflector } from '#lib/kubernetes/reflector.ts';
import type { Log } from '#lib/log.ts';
import type { NodeFacts } from './plan/choose-pool.ts';
import type { NodeCapacity } from './plan/node-capacity.ts';
import { readResources } from './plan/resource-quantities.ts';

export interface KeptNode extends NodeCapacity {
  readonly name: string;
}

export interface ClusterNodesOptions {
  /** For the watch and its lists. */
  readonly client: Pick<ClusterClient, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export class ClusterNodes {
  readonly #reflector: Reflector<KeptNode>;
  readonly #listeners = new Set<() => void>();
  /** As the listeners know them. */
  readonly #known = new Map<string, KeptNode>();

  /** Starts immediately. */
  constructor({ client, ...shared }: ClusterNodesOptions) {
    this.#reflector = new Reflector<KeptNode>(client, {
      ...shared,
      collection: { version: 'v1', resource: 'nodes' },
      project: keepNode,
      changed: (name, node) => this.#changed(name, node),
    });
  }

  /** Resolves when all nodes were read once. @throws DaisError `target_unavailable` when this is closed before */
  async synced(): Promise<void> {
    try {
      await this.#reflector.synced;
    } catch (cause) {
      const what = 'The connection to the cluster was replaced. Dais connects again.';
      throw new DaisError('target_unavailable', what, { cause });
    }
  }

  get byName(): ReadonlyMap<string, KeptNode> {
    return this.#reflector.cache;
  }

  /** Calls `listener` when something differs that matters for tasks. Returns what ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#reflector.close();
  }

  /** Each listener evaluates all its tasks: reports of a kubelet about images and times are no reason for it. */
  #changed(name: string, node: KeptNode | undefined): void {
    if (isDeepStrictEqual(this.#known.get(name), node)) return;
    if (node === undefined) this.#known.delete(name);
    else this.#known.set(name, node);
    for (const listener of this.#listeners) listener();
  }
}

/** What Dais keeps of a node. */
export function keepNode(object: KubernetesObject): KeptNode {
  const { spec, status } = object as unknown as {
    readonly spec?: { readonly unschedulable?: boolean; readonly taints?: NodeFacts['taints'] };
    readonly status?: {
      readonly allocatable?: Readonly<Record<string, string>>;
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    };
  };
  return {
    name: object.metadata.name,
    isReady: status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false,
    isSchedulable: spec?.unschedulable !== true,
    labels: object.metadata.labels ?? {},
    taints: spec?.taints ?? [],
    allocatable: readResources(status?.allocatable ?? {}),
  };
}
