/** What a target specifies about the pods that Dais creates there. */

/** Destinations of a network policy. Policies match addresses, not host names: the engine resolves names. */
export type NetworkPeer = (
  | { /** Addresses outside of the cluster: `10.1.2.3/32`. */ readonly cidr: string }
  | {
      /** Labels of the namespace of pods in the cluster. */
      readonly namespaceLabels: Readonly<Record<string, string>>;
      readonly podLabels?: Readonly<Record<string, string>>;
    }
) & {
  /** TCP ports of the pods, not of their Service. */
  readonly ports: readonly number[];
};

export interface Toleration {
  readonly key?: string;
  readonly operator?: 'Exists' | 'Equal';
  readonly value?: string;
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  readonly tolerationSeconds?: number;
}

/** Nodes that a task can choose. */
export interface NodePool {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
  /** Devices of its nodes. */
  readonly resources?: readonly string[];
  /** The cloud can take the nodes away: only tasks that name the pool run there. */
  readonly spot?: boolean;
  readonly priorityClass?: string;
  readonly runtimeClass?: string;
}

export interface AgentOptions {
  /** Image of the agent, by digest. */
  readonly image: string;
  /** URL of Dais for the agents, with its path `/internal/tasks`. They connect only from the cluster to Dais. */
  readonly url: string;
  /** Certificate authorities of `url` in addition to the public ones, in PEM format. */
  readonly ca?: string;
  /** `direct`: agents transfer bytes to and from the object store. `proxied`: through Dais. */
  readonly transfer: 'direct' | 'proxied';
  /** Default 50m CPU and 96 MiB requested, at most 192 MiB. */
  readonly resources?: {
    readonly cpu: number;
    readonly memoryBytes: number;
    readonly memoryLimitBytes: number;
  };
}

export interface TargetOptions {
  readonly installation: string;
  readonly namespace: string;
  readonly agent: AgentOptions;
  /** Image of tasks without an image of their own, by digest. */
  readonly baseImage: string;
  /** User and group of both containers: the agent reads files of the task that only their owner can read. Default 65000. */
  readonly uid?: number;
  /** Default true. False for images that write to their root file system. */
  readonly readOnlyRoot?: boolean;
  /** Pods have a user namespace. A test pod must have proven that the cluster supports it. */
  readonly userNamespaces: boolean;
  /** The environment is mounted as an image. A test pod must have proven that programs run from there. */
  readonly imageVolumes: boolean;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
  readonly pools?: Readonly<Record<string, NodePool>>;
  readonly priorityClass?: string;
  readonly runtimeClass?: string;
  /** For access of tasks to a cloud. Default: the account `dais-task`, without permissions. */
  readonly serviceAccount?: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly pullSecrets?: readonly string[];
  /** Added to each pod. They cannot replace those of Dais. */
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly podAnnotations?: Readonly<Record<string, string>>;
  /** LocalQueue of Kueue. Absent: Dais orders the tasks itself. */
  readonly kueueQueue?: string;
  /** How long a pod may be unschedulable. Absent: without limit, because an autoscaler creates nodes. */
  readonly pendingTimeoutMs?: number;
  /** Disk of tasks without a disk limit; default 10 GiB. */
  readonly defaultDiskBytes?: number;
  /** Largest `/dev/shm`, which is at most half of the memory of a task; default 16 GiB. */
  readonly sharedMemoryBytes?: number;
}

/** Account of tasks without access to a cloud. It has no permissions, and no pod mounts its token. */
export const TASK_ACCOUNT = 'dais-task';

const MIB = 2 ** 20;

export function agentResources({ agent }: Pick<TargetOptions, 'agent'>): Required<AgentOptions>['resources'] {
  return agent.resources ?? { cpu: 0.05, memoryBytes: 96 * MIB, memoryLimitBytes: 192 * MIB };
}

/** A task without network access must not reach the object store either, and both containers share one network. */
export function transferOf({ agent }: Pick<TargetOptions, 'agent'>, network: boolean): 'direct' | 'proxied' {
  return network ? agent.transfer : 'proxied';
}
