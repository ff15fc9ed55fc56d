import { DaisError } from '@dais/api';
import {
  abortRolloutOperation,
  deployOperation,
  invokeEndpointOperation,
  listInvocableOperation,
  MOST_INVOCABLE,
  listRolloutsOperation,
  loadTestOperation,
  pauseRolloutOperation,
  promoteRolloutOperation,
  readEndpointContractOperation,
  readEndpointFiguresOperation,
  resumeEndpointOperation,
  resumeRolloutOperation,
  rollBackOperation,
  testModelOperation,
  type EndpointContract,
} from '@dais/api/serving';
import type { Database } from '#engines/database/contract.ts';
import type { Environments } from '#engines/environments/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import { entry, type Call, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { transact } from '#kernel/transaction.ts';
import type { ProcessWork } from '#ledgers/ledger.ts';
import type { NodeConnections, ThisNode } from '#ledgers/nodes/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Lazy } from '#lib/concurrency/lazy.ts';
import type { Log } from '#lib/log.ts';
import type { InternalRoute } from '#lib/node-tls/internal-route.ts';
import { deploy } from './endpoints/deploy.ts';
import { EndpointWork } from './endpoints/endpoint-work.ts';
import { findEndpointNames, listEndpointNames, noSuchEndpoint, readEndpoint } from './endpoints/endpoint-rows.ts';
import { fleetRetention, GatewayFleet } from './fleet/gateway-fleet.ts';
import { hasModels } from './fleet/models-behind.ts';
import type { GatewayLink } from './publishing/gateway-link.ts';
import { readFigures, type RecentFigures } from './publishing/gateway-counters.ts';
import { UsageLedger, usageRetention } from './usage/usage-ledger.ts';
import type { EvaluateServing } from './endpoints/variant-moves.ts';
import { LoadTests } from './load-tests/load-tests.ts';
import { LocalModels } from './models/local-models.ts';
import { readModels } from './models/model-rows.ts';
import { openPeerFile } from './models/peer-files.ts';
import { internalRoutes } from './publishing/internal-routes.ts';
import type { FindCredential } from './publishing/remote-credentials.ts';
import { PublishedSnapshot } from './publishing/published-snapshot.ts';
import { Publisher, type GatewayAccess } from './publishing/publisher.ts';
import { listRollouts } from './rollouts/rollout-rows.ts';
import { TestBench, type ModelBench } from './model-tests/test-bench.ts';
import { testModel } from './model-tests/test-model.ts';
import { changeRollout, resumeEndpoint, rollBackEndpoint } from './rollouts/rollout-actions.ts';

export interface ServingDependencies {
  readonly database: Database;
  readonly content: Content;
  readonly environments: () => Promise<Environments>;
  readonly kinds: () => KindRegistry;
  readonly gateway: GatewayLink;
  readonly recent: RecentFigures;
  readonly self: ThisNode;
  readonly connections: Pick<NodeConnections, 'open' | 'request'>;
  /** Loads models that no endpoint serves. */
  readonly bench: Lazy<ModelBench>;
  readonly access: GatewayAccess;
  /** Reads the credentials of remote models. */
  readonly findCredential: FindCredential;
  /** Contains the snapshot and models. */
  readonly folder: string;
  readonly days: number;
  /** Prefix of the URIs of artifacts that are stored in Dais. */
  readonly artifactRoot: string;
  readonly refusal?: EvaluateServing | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ServingLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  readonly work: EndpointWork;
  readonly usage: UsageLedger;
  /** Addresses of the port for other nodes. */
  readonly internal: readonly InternalRoute[];
  /** Publishes to the gateway of this node, and records its counts. */
  readonly start: (work: Pick<ProcessWork, 'gateway'>) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The ledger of endpoints: served versions, rollouts and the published snapshot. */
export function servingLedger(dependencies: ServingDependencies): ServingLedger {
  const { content, gateway, connections, clock } = dependencies;
  const now = () => clock.now();
  const models = new LocalModels({
    ...dependencies,
    folder: `${dependencies.folder}/models`,
    peers: async (digest) => await openPeerFile(dependencies, digest),
    changed: () => {
      publisher.wake();
      fleet.wake();
    },
  });
  const fleet = new GatewayFleet({ ...dependencies, files: () => models.files, traffic: () => traffic });
  let traffic: ReadonlyMap<string, string> = new Map();
  const onTraffic = (requested: ReadonlyMap<string, string>) => {
    const isNew = [...requested.keys()].some((key) => !traffic.has(key));
    traffic = requested;
    if (isNew) fleet.wake();
  };
  const published = new PublishedSnapshot();
  const publisher = new Publisher({
    ...dependencies,
    models,
    published,
    onTraffic,
    onTurn: () => {
      if (hasModels([...traffic.keys()], models.files, gateway.figures())) gateway.setCaughtUp();
    },
    liveGateways: dependencies.self.liveGateways,
  });
  const bench = new TestBench({ ...dependencies, folder: `${dependencies.folder}/tested`, now });
  const loadTests = new LoadTests({ ...dependencies, now });
  const { artifactRoot, refusal } = dependencies;
  const work = new EndpointWork({ content, gateway, fleet, connections, now, artifactRoot, refusal });
  const contract = async ({
    input,
    tenant,
  }: CallOf<typeof readEndpointContractOperation>): Promise<EndpointContract> => {
    const { row, model } = await transact(dependencies.database, { mode: 'read', projectId: tenant.id }, async (tx) => {
      const found = await readEndpoint(tx, input.endpoint);
      const id = found.stable;
      return { row: found, model: id === null ? undefined : (await readModels(tx, [id])).get(id) };
    });
    if (model === undefined) throw new DaisError('invalid_state', `Endpoint "${row.name}" has no model yet.`);
    const url = `/p/${encodeURIComponent(tenant.name)}/v2/models/${encodeURIComponent(row.name)}`;
    const response = await gateway.request(url, {}).catch(() => undefined);
    const { inputs = [], outputs = [] } =
      response?.status === 200
        ? (JSON.parse(response.body) as Partial<Pick<EndpointContract, 'inputs' | 'outputs'>>)
        : {};
    const { signature, example } = model.description;
    return {
      endpoint: row.name,
      model: model.label,
      ready: response?.status === 200,
      url,
      ...(gateway.port !== undefined && { port: gateway.port }),
      ...(gateway.publicUrl !== undefined && { gatewayUrl: gateway.publicUrl }),
      secure: gateway.secure,
      inputs,
      outputs,
      signature: signature ?? null,
      example: example === null ? null : (JSON.parse(example) as unknown),
    };
  };
  const usage = new UsageLedger({ ...dependencies, counts: dependencies.recent.usage });
  return {
    work,
    usage,
    internal: internalRoutes({ published, gateway, models: `${dependencies.folder}/models` }),
    start: async (work) => {
      if (!work.gateway) return;
      await publisher.start();
      await usage.start();
      await fleet.start();
    },
    stop: async () => {
      await publisher.stop();
      await usage.stop();
      await fleet.stop();
      await loadTests.close();
      await bench.close();
    },
    jobs: [rolloutRetention(dependencies.days), usageRetention(now), fleetRetention()],
    entries: [
      entry(
        deployOperation,
        async (tx, call) =>
          await deploy(tx, call, { kinds: dependencies.kinds(), artifactRoot: dependencies.artifactRoot }),
      ),
      entry(promoteRolloutOperation, async (tx, call) => await changeRollout(tx, 'promote', call, now())),
      entry(pauseRolloutOperation, async (tx, call) => await changeRollout(tx, 'pause', call, now())),
      entry(resumeRolloutOperation, async (tx, call) => await changeRollout(tx, 'resume', call, now())),
      entry(abortRolloutOperation, async (tx, call) => await changeRollout(tx, 'abort', call, now())),
      entry(rollBackOperation, async (tx, call) => await rollBackEndpoint(tx, call, now())),
      entry(resumeEndpointOperation, async (tx, call) => await resumeEndpoint(tx, call)),
      entry(listRolloutsOperation, async (tx, { input }) => {
        await readEndpoint(tx, input.endpoint);
        return await listRollouts(tx, input);
      }),
      entry(
        readEndpointFiguresOperation,
        async (tx, { input, tenant }) =>
          await readFigures(tx, input.endpoint, { fleet, project: tenant.name, now: now() }),
      ),
      entry(testModelOperation, { perform: async (call) => await testModel(call, { ...dependencies, bench }) }),
      entry(loadTestOperation, { perform: async (call) => await loadTests.poll(call) }),
      entry(readEndpointContractOperation, { perform: async (call) => await contract(call) }),
      entry(listInvocableOperation, async (tx, call) => {
        const endpoints: string[] = [];
        for (const name of await listEndpointNames(tx, MOST_INVOCABLE)) {
          if (await may(call, name)) endpoints.push(name);
        }
        return { endpoints };
      }),
      entry(invokeEndpointOperation, {
        share: async (tx, calls) => {
          const existing = await findEndpointNames(
            tx,
            calls.map(({ input }) => input.endpoint),
          );
          return calls.map(({ input: { endpoint } }) =>
            existing.has(endpoint) ? { value: { allowed: true as const } } : { error: noSuchEndpoint(endpoint) },
          );
        },
      }),
    ],
  };
}

async function may({ authorize, tenant }: Pick<Call, 'authorize' | 'tenant'>, name: string): Promise<boolean> {
  try {
    await authorize({ kind: 'Endpoint', name }, tenant, 'endpoint:invoke');
    return true;
  } catch (error) {
    if (error instanceof DaisError && (error.code === 'forbidden' || error.code === 'not_found')) return false;
    throw error;
  }
}

const SLICE = 1000;

/** `days` 0: nothing is deleted. */
function rolloutRetention(days: number): JobHandler {
  return {
    queue: 'serving.retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 420_000, againMs: 3_600_000 },
    async run(_job, io) {
      if (days === 0) return { rollouts: 0 };
      let rollouts = 0;
      for (let deleted = SLICE; deleted === SLICE && !io.signal.aborted; rollouts += deleted) {
        deleted = await io.write(async (tx) => {
          await tx.enter('all');
          const rows = await tx.sql.query(
            `delete from serving.rollout where id in (
               select id from serving.rollout where ended_at < clock_timestamp() - $1 * interval '1 day' limit ${SLICE})
             returning 1`,
            [days],
            'old_rollouts',
          );
          return rows.length;
        });
      }
      return { rollouts };
    },
  };
}
