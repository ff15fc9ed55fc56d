/** Opens every ledger in a control process, each with what it needs of the engines and of other ledgers. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { VerifiedBlobs } from '#engines/blobs/contract.ts';
import type { Compute } from '#engines/compute/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Environments } from '#engines/environments/contract.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { OnlineStore } from '#engines/online/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Authorizer } from '#kernel/principal.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { Sealed } from '#kinds/secret/sealing.ts';
import type { Ledger } from '#ledgers/ledger.ts';
import type { ComputeTargets } from '#ledgers/executions/index.ts';
import type { NodesLedger } from '#ledgers/nodes/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Lazy } from '#lib/concurrency/lazy.ts';
import type { WorkGate } from '#lib/concurrency/work-gate.ts';
import type { Log } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { randomBytes } from '#lib/crypto/random-bytes.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import { computeRules } from './compute.ts';
import { loadData, loadQuality, loadFeatures, loadLabels, loadPrivacy } from './data.ts';
import { loadServing, type ModelBench, type RecentFigures, type ServingLedger } from './endpoints.ts';
import type { IsolationPaths } from './isolation.ts';
import { loadModelJobs, loadMonitoring, loadPredictions, loadSafety } from './models.ts';
import { loadArtifacts, loadExecutions, loadTracking } from './runs.ts';
import { openTargets } from './targets.ts';
import { type KindsAndPolicies } from '#compose.ts';
import { loadAudit, loadLineage, loadWebhooks } from './event-ledgers.ts';
import type { ResolvedConfig } from '#config-load.ts';
import type { SupervisedGateway } from '#control/gateway-link.ts';
import { treeLoad } from '#lib/system/tree-load.ts';
import { programVersion } from '#version.ts';
import { internalHosts } from '#control/internal-listener.ts';
import { isolatedStepUrl, publicUrl, stepUrl } from '#control/server-url.ts';

/** What ledgers are opened with. */
export interface LedgerDependencies {
  readonly config: ResolvedConfig;
  /** Main port of the server. */
  readonly port: number;
  /** Lease owner: unique for each start of each process. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Environment variables of programs that the operator configures. */
  readonly environment: Readonly<Record<string, string>>;
  readonly outbound: Outbound;
  readonly tracer: Tracer | undefined;
  readonly database: Database;
  readonly blobs: VerifiedBlobs;
  readonly content: Content;
  readonly keys: KeyStore;
  readonly query: QueryEngine;
  readonly isolation: Isolation;
  readonly isolationPaths: IsolationPaths;
  readonly compute: Lazy<Compute>;
  readonly environments: Lazy<Environments>;
  readonly online: Lazy<OnlineStore>;
  readonly bench: Lazy<ModelBench>;
  readonly gateway: SupervisedGateway;
  readonly gate: WorkGate;
  readonly recent: RecentFigures;
  readonly kinds: () => KindRegistry;
  readonly authorizer: Authorizer;
  readonly servingRefusal: KindsAndPolicies['servingRefusal'];
}

export interface OpenedLedgers {
  readonly serving: ServingLedger;
  readonly nodes: NodesLedger;
  readonly executions: Pick<Opened<typeof openExecutions>, 'countQueued'>;
  readonly targets: ReturnType<typeof openTargets>;
  readonly predictions: Pick<Opened<typeof openPredictions>, 'collectLast'>;
  /** In the order in which they start and stop. */
  readonly all: readonly Ledger[];
}

export async function openLedgers(dependencies: LedgerDependencies): Promise<OpenedLedgers> {
  const privacy = await openPrivacy(dependencies);
  const quality = await openQuality(dependencies, { privacy });
  const data = await openData(dependencies, { privacy, quality });
  const nodes = await openNodes(dependencies);
  const targets = openTargets({ ...dependencies, sharedKey: nodes.sharedKey });
  const executions = await openExecutions(dependencies, { data, nodes, targets: targets.registry });
  const predictions = await openPredictions(dependencies, { nodes });
  const modelJobs = await openModelJobs(dependencies, { privacy, data, predictions });
  const serving = await openServing(dependencies, { nodes });
  return {
    serving,
    nodes,
    executions,
    targets,
    predictions,
    all: [
      nodes,
      await openUsage(dependencies),
      await openAudit(dependencies),
      await openTracking(dependencies),
      await openLineage(dependencies),
      await openWebhooks(dependencies),
      privacy,
      quality,
      data,
      executions,
      await openLabeling(dependencies, { privacy, data }),
      await openFeatures(dependencies, { privacy, data }),
      predictions,
      await openSafety(dependencies),
      modelJobs,
      serving,
      await openMonitoring(dependencies, { privacy, predictions, modelJobs, executions, serving }),
    ],
  };
}

type Opened<Open extends (...args: never[]) => unknown> = Awaited<ReturnType<Open>>;
type Privacy = Opened<typeof openPrivacy>;
type Data = Opened<typeof openData>;

/** Where the files of dataset versions are. */
function localData({ database, blobs, config }: LedgerDependencies) {
  return { database, blobs, folder: join(config.data, 'datasets') };
}

function queries({ clock, query }: LedgerDependencies) {
  return { now: () => clock.now(), query: async () => await Promise.resolve(query) };
}

async function openNodes({ config, ...dependencies }: LedgerDependencies) {
  const [{ ledger }, { open, rewrap, seal }] = await Promise.all([
    import('#ledgers/nodes/index.ts'),
    import('#kinds/secret/sealing.ts'),
  ]);
  const { data, role, node, database } = config;
  // A database that Dais runs itself has one process tree: a new data folder is a new installation.
  const rules = { join: database.url === undefined ? ('open' as const) : node.join, token: node.joinToken };
  const { keys } = dependencies;
  const sealer = {
    seal: async (plaintext: Buffer, context: string) => await seal(keys, plaintext, context),
    open: async (sealed: Sealed, context: string) => await open(keys, sealed, context),
    rewrap: async (sealed: Sealed, context: string) => await rewrap(keys, sealed, context),
  };
  const hosts = [internalHosts(config).advertise];
  // The parent is the supervisor, of which all processes of the node descend.
  const load = treeLoad(process.ppid, dependencies.clock);
  return ledger.open({
    ...dependencies,
    data,
    role,
    rules,
    host: hostname(),
    version: programVersion(),
    load,
    sealer,
    hosts,
  });
}

async function openUsage(dependencies: LedgerDependencies) {
  const { config, database, clock, log, gateway, content } = dependencies;
  const [{ ledger }, { readNodeFile }] = await Promise.all([
    import('#ledgers/usage/index.ts'),
    import('#ledgers/nodes/index.ts'),
  ]);
  return ledger.open({
    database,
    clock,
    log,
    node: async () => (await readNodeFile(config.data))?.id,
    host: hostname(),
    figures: () => gateway.figures(),
    query: queries(dependencies).query,
    folder: join(config.data, 'usage'),
    storedBytes: async (id) => await content.usage(id),
    days: config.retention.usageDays,
  });
}

async function openAudit({ config, ...dependencies }: LedgerDependencies) {
  const { folder, webhook } = config.audit.checkpoints;
  return await loadAudit({
    ...dependencies,
    checkpointFolders: [join(config.data, 'audit-checkpoints'), ...(folder === undefined ? [] : [folder])],
    checkpointWebhook: webhook,
    days: config.retention.auditDays,
  });
}

async function openTracking({ config, clock, database, content, blobs }: LedgerDependencies): Promise<Ledger> {
  const dependencies = { clock, random: randomBytes, folderRoot: config.tracking.artifactRoot };
  const { traceDays, deletedDays } = config.retention;
  const tracking = await loadTracking({ ...dependencies, traceDays, deletedDays });
  const artifacts = await loadArtifacts({ ...dependencies, database, content, blobs });
  return { ...tracking, entries: [...tracking.entries, ...artifacts] };
}

async function openLineage({ config, clock, log, outbound }: LedgerDependencies) {
  const { url, apiKey, namespace } = config.openlineage;
  return await loadLineage({
    days: config.retention.lineageDays,
    now: () => clock.now(),
    emission: url === undefined ? undefined : { url, apiKey, namespace, outbound, clock, log },
  });
}

async function openWebhooks({ config, database, keys, outbound, clock }: LedgerDependencies) {
  return await loadWebhooks({ database, keys, outbound, clock, allowHosts: config.outbound.allowHosts });
}

async function openPrivacy(dependencies: LedgerDependencies) {
  const { database, keys } = dependencies;
  return await loadPrivacy({
    ...queries(dependencies),
    database,
    keys,
    local: localData(dependencies),
    random: randomBytes,
  });
}

async function openQuality(dependencies: LedgerDependencies, { privacy }: { readonly privacy: Privacy }) {
  const { database, log } = dependencies;
  return await loadQuality({
    ...queries(dependencies),
    database,
    local: localData(dependencies),
    log,
    masked: async (tx, dataset, _principal, may) => await privacy.masked(tx, dataset, may),
  });
}

async function openData(
  dependencies: LedgerDependencies,
  { privacy, quality }: { readonly privacy: Privacy; readonly quality: Opened<typeof openQuality> },
) {
  const { keys, outbound, content, clock, log, kinds } = dependencies;
  return await loadData({
    ...localData(dependencies),
    keys,
    outbound,
    content,
    clock,
    log,
    query: queries(dependencies).query,
    kinds,
    hooks: {
      begin: async (tx, version) => {
        await privacy.enqueueScan(tx, version);
        return await quality.begin(tx, version);
      },
      forget: [privacy.forget, quality.forget],
      masked: async (tx, dataset, _principal, may) => await privacy.masked(tx, dataset, may),
    },
  });
}

async function openExecutions(
  dependencies: LedgerDependencies,
  {
    data,
    nodes,
    targets,
  }: { readonly data: Data; readonly nodes: Opened<typeof openNodes>; readonly targets: ComputeTargets },
) {
  const { config, port, compute, environments } = dependencies;
  const { database, content, keys, clock, log, holder, outbound, tracer, gate } = dependencies;
  return await loadExecutions({
    gate,
    database,
    content,
    keys,
    clock,
    log,
    holder,
    outbound,
    tracer,
    // A step can only be found again on the machine and in the data folder where it was started.
    place: nodes.place,
    formerPlace: `${hostname()}:${config.data}`,
    compute: async () => await compute.get(),
    environments: async () => await environments.get(),
    targets,
    isOnlyProcess: config.database.url === undefined,
    solo: config.authentication.mode === 'solo',
    random: randomBytes,
    folderRoot: config.tracking.artifactRoot,
    taskSuccessState: config.kubeflow.taskSuccessState,
    urls: { inside: isolatedStepUrl(port), outside: stepUrl(config, port) },
    ...computeRules(config, dependencies),
    days: config.retention.executionDays,
    data: data.steps,
  });
}

interface PrivacyAndData {
  readonly privacy: Privacy;
  readonly data: Data;
}

async function openLabeling(dependencies: LedgerDependencies, { privacy, data }: PrivacyAndData) {
  const { folder } = localData(dependencies);
  return await loadLabels({ now: queries(dependencies).now, folder, masks: privacy.masks, maker: data.maker });
}

async function openFeatures(dependencies: LedgerDependencies, { privacy, data }: PrivacyAndData) {
  const { config, database, clock, log, online } = dependencies;
  return await loadFeatures({
    database,
    clock,
    log,
    data: localData(dependencies),
    maker: data.maker,
    masks: privacy.masks,
    query: queries(dependencies).query,
    online: async () => await online.get(),
    folder: join(config.data, 'features', 'jobs'),
    days: config.features.days,
  });
}

async function openPredictions(
  dependencies: LedgerDependencies,
  { nodes }: { readonly nodes: Opened<typeof openNodes> },
) {
  const { config, database, content, blobs, clock, log } = dependencies;
  return await loadPredictions({
    self: nodes.self,
    database,
    content,
    blobs,
    clock,
    log,
    query: queries(dependencies).query,
    data: config.data,
    folder: join(config.data, 'predictions', 'jobs'),
    days: config.retention.predictionDays,
    projectBytes: config.retention.predictionBytes,
  });
}

async function openSafety(dependencies: LedgerDependencies) {
  return await loadSafety({ blobs: dependencies.blobs, now: queries(dependencies).now });
}

async function openModelJobs(
  dependencies: LedgerDependencies,
  { privacy, data, predictions }: PrivacyAndData & { readonly predictions: Opened<typeof openPredictions> },
) {
  const { config, database, content, environments, gateway, clock, log, isolation, isolationPaths } = dependencies;
  return await loadModelJobs({
    database,
    content,
    environments: async () => await environments.get(),
    query: queries(dependencies).query,
    data: localData(dependencies),
    maker: data.maker,
    masks: privacy.masks,
    masked: async (tx, dataset, _principal, may) => await privacy.masked(tx, dataset, may),
    gateway,
    prediction: predictions.get,
    folder: join(config.data, 'model-jobs'),
    days: config.retention.executionDays,
    clock,
    log,
    isolation,
    isolationPaths,
  });
}

async function openServing(
  dependencies: LedgerDependencies,
  { nodes }: { readonly nodes: Opened<typeof openNodes> },
): Promise<ServingLedger> {
  const { config, database, content, keys, environments, kinds, gateway, recent, bench, clock, log } = dependencies;
  const { authentication } = config;
  const { soloAccess, tokenAccess } = await import('#policy/gateway-access.ts');
  const offlineMs = authentication.gatewayOfflineMinutes * 60_000;
  return await loadServing({
    database,
    content,
    keys,
    environments: async () => await environments.get(),
    kinds,
    gateway,
    recent,
    self: nodes.self,
    connections: nodes.connections,
    bench,
    access:
      authentication.mode === 'solo'
        ? soloAccess
        : tokenAccess({ authorizer: dependencies.authorizer, ownToken: gateway.token, offlineMs }),
    // In solo mode no policy decides.
    ...(authentication.mode === 'accounts' && { refusal: dependencies.servingRefusal }),
    folder: join(config.data, 'serving'),
    days: config.retention.executionDays,
    clock,
    log,
  });
}

async function openMonitoring(
  dependencies: LedgerDependencies,
  {
    privacy,
    predictions,
    modelJobs,
    executions,
    serving,
  }: {
    readonly privacy: Privacy;
    readonly predictions: Opened<typeof openPredictions>;
    readonly modelJobs: Opened<typeof openModelJobs>;
    readonly executions: Opened<typeof openExecutions>;
    readonly serving: ServingLedger;
  },
) {
  const { config, port, database, clock, log, gate } = dependencies;
  return await loadMonitoring({
    database,
    clock,
    log,
    gate,
    query: queries(dependencies).query,
    predictions: predictions.reader,
    explainer: modelJobs.explainer,
    usage: async (of) => await serving.usage.between(of),
    local: localData(dependencies),
    // Without a user, everything sensitive is masked.
    masked: async (tx, dataset) =>
      (await privacy.masked(tx, dataset, async () => await Promise.resolve(false))).map(({ column }) => column),
    startPipeline: executions.startPipeline,
    url: publicUrl(config, port),
  });
}
