/** Compute targets by the type of their spec; see compose.ts. */
import { DaisError } from '@dais/api';
import { DEFAULT_MAX_TASKS, type TargetSpec } from '@dais/api/executions';
import type { NamedObjects } from '#engines/blobs/contract.ts';
import type { AgentCall, AgentReply, ComputeTarget } from '#engines/compute/model/target.ts';
import type { Database } from '#engines/database/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { readCursor } from '#kernel/events.ts';
import { findTenant } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import { Lazy } from '#lib/concurrency/lazy.ts';
import type { Log } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { ResolvedConfig } from '#config-load.ts';
import { TargetRegistry, type FoundTarget } from '#control/target-registry.ts';
import { publicUrl } from '#control/server-url.ts';
import { readAgentAuthorities } from './agent-authorities.ts';
import { openTaskStore } from './open-stores.ts';

export interface TargetDependencies {
  readonly config: ResolvedConfig;
  /** Main port of the server. */
  readonly port: number;
  readonly database: Database;
  readonly keys: KeyStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly outbound: Outbound;
  readonly environment: Readonly<Record<string, string>>;
  readonly sharedKey: (name: string) => Promise<Buffer>;
}

type Opener = (target: FoundTarget) => Promise<ComputeTarget>;

/** Returns the targets of the installation, and what answers the agents of their tasks. Nothing is opened before it is used. */
export function openTargets(dependencies: TargetDependencies) {
  const { config, database, clock, log, environment, outbound } = dependencies;
  const around = { dataFolder: config.data, clock, log, environment, outbound };
  const store = new Lazy(async () => await openTaskStore(config.blobs, around));
  const identity = new Lazy(async () => ({
    installation: await readInstallation(database),
    sessionKey: await dependencies.sharedKey('task-agents'),
  }));
  const openers: Readonly<Record<Exclude<TargetSpec['type'], 'process'>, Opener>> = {
    kubernetes: async (target) => await openCluster(target, dependencies, { store, identity }),
  };
  const registry = new TargetRegistry({
    database,
    clock,
    log,
    openTarget: async (target) => {
      const { type } = target.spec;
      if (type === 'process') throw new Error('the machines of the server are no target to open');
      return await openers[type](target);
    },
  });
  const entrance = new Lazy(async () => {
    const { AgentEntrance } = await import('#engines/compute/kubernetes/agent-entrance.ts');
    const resolve = async ({ target, project }: { readonly target: string; readonly project: string }) =>
      (await registry.open(target, project))?.agents;
    return new AgentEntrance({ identity: async () => await identity.get(), resolve, clock, log });
  });
  return {
    registry,
    handleAgent: async (
      address: { readonly target: string; readonly project: string },
      call: AgentCall,
    ): Promise<AgentReply | undefined> => await (await entrance.get()).handle(address, call),
    jobs: [sweepJob({ database, clock, store, identity })],
    close: async () => {
      await registry.close();
      await (await store.opened())?.close();
    },
  };
}

const DAY_MS = 86_400_000;

/** Deletes what is left of ended tasks, and environments that no task uses any more. */
function sweepJob({
  database,
  clock,
  store,
  identity,
}: Pick<TargetDependencies, 'database' | 'clock'> & Shared): JobHandler {
  const isKnown = async (attempt: string) => {
    const rows = await database.statement<{ id: string }>(
      { mode: 'read', scope: 'all' },
      `select id from executions.attempt where id::text = $1 and state <> 'ended'`,
      [attempt],
      'task_known',
    );
    return rows.length > 0;
  };
  return {
    queue: 'task-sweep',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 60_000, capMs: 3_600_000 },
    every: { firstMs: 900_000, againMs: DAY_MS },
    run: async (_job, { signal }) => {
      const [{ sweepTasks }, { sweepEnvironments }] = await Promise.all([
        import('#engines/compute/kubernetes/task-sweep.ts'),
        import('#engines/compute/kubernetes/environment-store.ts'),
      ]);
      const { installation } = await identity.get();
      const sweep = { objects: await store.get(), installation, clock, signal };
      return { tasks: await sweepTasks({ ...sweep, isKnown }), environments: await sweepEnvironments(sweep) };
    },
  };
}

async function readInstallation(database: Database): Promise<string> {
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => (await readCursor(sql)).epoch);
}

interface Shared {
  readonly store: Lazy<NamedObjects>;
  readonly identity: Lazy<{ readonly installation: string; readonly sessionKey: Buffer }>;
}

async function openCluster(
  { uid, name, spec }: FoundTarget,
  { config, port, database, keys, clock, log, environment }: TargetDependencies,
  { store, identity }: Shared,
): Promise<ComputeTarget> {
  const [{ openKubernetesTarget }, { openTaskObjects }, { orderSeal }, { clusterConnection, agentPeers }] =
    await Promise.all([
      import('#engines/compute/kubernetes/kubernetes-target.ts'),
      import('#engines/compute/kubernetes/task-objects.ts'),
      import('./order-seal.ts'),
      import('#engines/compute/kubernetes/cluster-connection.ts'),
    ]);
  const { installation, sessionKey } = await identity.get();
  const { agent, cluster, serviceAccount, pendingMinutes, kueue } = spec;
  const image = agent?.image ?? config.executions.agentImage;
  if (image === undefined) {
    throw new DaisError(
      'target_unavailable',
      `The target "${name}" has no image for its agents. Set \`spec.agent.image\` to the image of this version of Dais.`,
    );
  }
  const url = (agent?.url ?? config.executions.agentUrl ?? publicUrl(config, port)).replace(/\/+$/, '');
  const isInside = cluster?.inCluster === true;
  const ca = await readAgentAuthorities({ name, spec }, config);
  return openKubernetesTarget({
    uid,
    connect: async () =>
      await clusterConnection({
        target: name,
        kubeconfig: isInside ? undefined : async () => await readKubeconfigText({ name, spec }, database, keys),
        context: cluster?.kubeconfig?.context,
        programs: config.executions.kubeconfigPrograms,
        service: {
          host: environment['KUBERNETES_SERVICE_HOST'],
          port: environment['KUBERNETES_SERVICE_PORT'],
        },
      }),
    namespacePrefix: spec.namespacePrefix ?? 'dais-',
    pods: {
      installation,
      agent: { image, url, transfer: 'proxied', ...(ca !== undefined && { ca }) },
      baseImage: spec.image ?? image,
      userNamespaces: false,
      imageVolumes: false,
      ...pick(spec, ['readOnlyRoot', 'nodeSelector', 'priorityClass', 'runtimeClass', 'pullSecrets']),
      ...(spec.tolerations !== undefined && { tolerations: spec.tolerations.map(withoutUndefined) }),
      ...(spec.pools !== undefined && { pools: Object.fromEntries(Object.entries(spec.pools).map(poolEntry)) }),
      ...(serviceAccount !== undefined && {
        serviceAccount: { name: 'dais-task', ...withoutUndefined(serviceAccount) },
      }),
      ...(kueue !== undefined && { kueueQueue: kueue.queue }),
      ...(pendingMinutes !== undefined && { pendingTimeoutMs: pendingMinutes * 60_000 }),
    },
    maxTasks: spec.maxTasks ?? DEFAULT_MAX_TASKS,
    network: async () => ({
      dais: agent?.peers?.map(peerOf) ?? (await agentPeers({ url, isInside, port })),
      objectStore: [],
    }),
    objects: openTaskObjects(await store.get()),
    seal: orderSeal(keys),
    sessionKey,
    environment,
    clock,
    random: Math.random,
    log,
  });
}

type Pool = NonNullable<TargetSpec['pools']>[string];
type Peer = NonNullable<NonNullable<TargetSpec['agent']>['peers']>[number];

function poolEntry([name, pool]: [string, Pool]) {
  const { tolerations } = pool;
  const tolerated = tolerations?.map(withoutUndefined);
  const fields = pick(pool, ['nodeSelector', 'resources', 'spot', 'priorityClass', 'runtimeClass']);
  return [name, { ...fields, ...(tolerated !== undefined && { tolerations: tolerated }) }] as const;
}

function peerOf({ cidr, namespaceLabels = {}, podLabels, ports }: Peer) {
  if (cidr !== undefined) return { cidr, ports };
  return { namespaceLabels, ...(podLabels !== undefined && { podLabels }), ports };
}

/** @throws DaisError `target_unavailable` naming the missing Secret */
async function readKubeconfigText(
  { name, spec }: Pick<FoundTarget, 'name' | 'spec'>,
  database: Database,
  keys: KeyStore,
): Promise<string> {
  const { findSecretValue, openSecretValue } = await import('#kinds/secret/index.ts');
  const { project = 'default', secret = '', key = 'kubeconfig' } = spec.cluster?.kubeconfig ?? {};
  const sealed = await transact(database, { mode: 'read', projectId: 'all' }, async (tx) => {
    const tenant = await findTenant(tx.sql, project);
    return tenant && (await findSecretValue(tx, tenant.id, { secret, key }));
  });
  if (sealed === undefined) {
    throw new DaisError(
      'target_unavailable',
      `The kubeconfig of the target "${name}" is missing: project "${project}" has no Secret "${secret}" with the key "${key}". Apply it.`,
    );
  }
  return await openSecretValue(keys, sealed);
}

type Defined<T> = { readonly [Key in keyof T]: Exclude<T[Key], undefined> };

/** The schemas have undefined for absent fields, and the engine has no such field. */
function withoutUndefined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function pick<T extends object, Name extends keyof T>(from: T, names: readonly Name[]): Defined<Pick<T, Name>> {
  return withoutUndefined(Object.fromEntries(names.map((name) => [name, from[name]]))) as Defined<Pick<T, Name>>;
}
