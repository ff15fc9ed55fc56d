/** The HTTP side of a control process: its routes, and the log and metrics of every request. */
import { statfs } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { errorCatalog } from '@dais/api';
import { nodeWork, rolesWith } from '@dais/api/access';
import type { ProcessMetrics } from '@dais/api/tracking';
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database, Slice } from '#engines/database/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import { consoleRoutes, readConsolePage } from '#http/pages/console-routes.ts';
import { agentRoutes, type AgentRouteDependencies } from '#http/routes/agent-routes.ts';
import { authRoutes } from '#http/routes/auth-routes.ts';
import type { RouteGroup } from '#http/server/route-group.ts';
import { inferenceRoutes, type GatewayLocation } from '#http/predictions/inference-routes.ts';
import { GrpcServer } from '#grpc/grpc-server.ts';
import { HttpServer, type FinishedRequest, type Refusal, type TlsFiles } from '#http/server/http-server.ts';
import { metricsRoutes } from '#http/metrics/metrics-routes.ts';
import { Metrics, type MetricSources } from '#http/metrics/metrics.ts';
import { nativeRoutes, type OperationCalls } from '#http/routes/native-routes.ts';
import { openApiRoutes } from '#http/openapi/openapi-routes.ts';
import type { Access } from '#policy/access.ts';
import { listenToAccessChanges } from '#policy/access-changes.ts';
import { AccountAccess } from '#policy/account-access.ts';
import type { Sessions } from '#policy/identity/sessions/sessions.ts';
import { findStepToken } from '#policy/identity/tokens/step-tokens.ts';
import { OwnerAccess } from '#policy/owner-access.ts';
import type { FindStep } from '#policy/step-access.ts';
import { docsRoutes, rootPageRoutes } from '#http/pages/docs-routes.ts';
import { transferRoutes } from '#http/routes/transfer-routes.ts';
import { probeRoutes, type ReadinessCheck } from '#http/metrics/probe-routes.ts';
import { publicAddress } from '#http/server/public-address.ts';
import { PeerUids } from '#http/server/peer-uids.ts';
import { logRequest } from '#http/server/request-log.ts';
import { traceRequest } from '#http/server/request-log.ts';
import type { Kernel } from '#kernel/kernel.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import type { WorkGate } from '#lib/concurrency/work-gate.ts';
import type { Log } from '#lib/log.ts';
import type { SocketDiagnosis } from '#lib/system/socket-diagnosis.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import { grpcAdapters, protocolAdapters } from './compose/protocols.ts';
import { schemaState } from './compose/database.ts';
import type { ResolvedConfig } from './config-load.ts';
import { blobsReadiness, diskReadiness, gatewayReadiness, nodeReadiness, readiness } from './control/readiness.ts';
import { publicUrl } from './control/server-url.ts';
import { readTls, watchTls } from './control/tls-files.ts';

export interface ServeDependencies {
  readonly config: ResolvedConfig;
  readonly port: number;
  readonly ownerToken: string;
  readonly version: string;
  readonly kernel: Kernel;
  readonly database: Database;
  readonly query: QueryEngine;
  readonly slices: readonly Slice[];
  readonly blobs: BlobStore;
  /** Absent: no traces are recorded. */
  readonly tracer: Tracer | undefined;
  readonly sessions: Sessions;
  readonly socketDiagnosis: SocketDiagnosis | undefined;
  readonly gateway: GatewayLocation & { readonly behind: readonly string[]; readonly hasCaughtUp: boolean };
  readonly gate: WorkGate;
  readonly ledgers: MetricSources['ledgers'];
  readonly content: MetricSources['content'];
  readonly egress: MetricSources['egress'];
  /** Answers the agents of tasks on other machines. Absent: there are no targets. */
  readonly agents?: AgentRouteDependencies;
  /** Further checks of /readyz. */
  readonly checks: () => Promise<readonly ReadinessCheck[]>;
  readonly log: Log;
}

export interface HttpSide {
  accept(socket: Socket): void;
  /** The same for a connection from an isolated step. */
  acceptFromStep(socket: Socket, attempt: string): void;
  /** Accepts the connection of a gRPC client. */
  acceptGrpc(socket: Socket): void;
  /** Reads the certificate again. @throws DaisError `invalid_config`. */
  reload(config: ResolvedConfig): Promise<void>;
  /** The metrics of this process. */
  metrics(): Promise<ProcessMetrics>;
  /** Reports not ready, and asks clients to use other connections. Requests are still answered. */
  giveNotice(): void;
  drain(deadlineMs: number): Promise<void>;
}

/** @throws DaisError `invalid_config` for certificates that cannot be used. */
export async function serveHttp(dependencies: ServeDependencies): Promise<HttpSide> {
  const { config, log, kernel, version, tracer } = dependencies;
  const metrics = new Metrics({ version, role: config.role });
  const work = nodeWork[config.role];
  let isEnding = false;
  let fullAt: number | undefined;
  const finished = (request: FinishedRequest) => {
    metrics.observe(request);
    if (request.status === errorCatalog.storage_full.status) fullAt = systemClock.now();
    const traceId = tracer === undefined ? undefined : traceRequest(tracer, Date.now(), request);
    logRequest(log, config.log.requests, request, traceId);
  };
  // Assigned before the first request, because the metrics route reads the server that it is part of.
  let server: HttpServer | undefined;
  const sources = {
    requests: () => ({ running: server?.running ?? 0, streams: server?.streams.size ?? 0 }),
    queries: () => dependencies.query.state(),
    pool: () => dependencies.database.stats(),
    health: () => kernel.health(),
    disk: async () => await diskOf(config.data),
    ledgers: dependencies.ledgers,
    egress: dependencies.egress,
    content: dependencies.content,
  };
  const blobs = blobsReadiness(dependencies.blobs, systemClock, () => fullAt);
  const schema = () => schemaState(dependencies.database, dependencies.slices, version);
  const readMetrics = async () => await metrics.expose(sources);
  const probes = probeRoutes(async () => [
    ...(await readiness(kernel, dependencies.database, schema, [blobs, diskReadiness(config.data)])),
    ...(await dependencies.checks()),
    nodeReadiness(dependencies.gate, isEnding),
    // A node that also serves the API does so without the models.
    ...gatewayReadiness(dependencies.gateway.behind, {
      isStarting: work.gateway && !work.api && !dependencies.gateway.hasCaughtUp,
    }),
  ]);
  const access = openAccess(dependencies);
  const accessChanges = await listenToAccessChanges(dependencies.database);
  const peerUids = new PeerUids(dependencies.socketDiagnosis);
  const tls = await readTls(config);
  const opened = await HttpServer.open({
    doors: [
      probes,
      metricsRoutes(kernel.dispatcher, readMetrics),
      ...(await userAdapters({ ...dependencies, calls: kernel.dispatcher })),
    ],
    operations: new Set(kernel.dispatcher.operations.map((operation) => operation.name)),
    access,
    peerUids,
    browserPrompt: config.authentication.mode === 'solo',
    clock: systemClock,
    log,
    limits: config.limits,
    refusal: refusalOf(config),
    publicUrl: config.publicUrl,
    trustedProxies: config.trustedProxies,
    tls,
    ...(work.gateway && {
      predictions: { calls: kernel.dispatcher, gateway: dependencies.gateway, accessChanges },
    }),
    trace: tracer === undefined ? undefined : (traceparent) => tracer.context(traceparent),
    finished,
  });
  server = opened;
  const grpc = new GrpcServer({
    doors: await grpcAdapters({ calls: kernel.dispatcher, log }),
    access,
    peerUids,
    clock: systemClock,
    log,
    bodyBytes: config.limits.bodyBytes,
    tls,
    finished,
  });
  const setTls = (files: TlsFiles) => {
    opened.setTls(files);
    grpc.setTls(files);
  };
  const unwatch = watchTls(config, log, setTls);
  return {
    accept: (socket) => opened.accept(socket),
    acceptFromStep: (socket, attempt) => opened.acceptFromStep(socket, attempt),
    acceptGrpc: (socket) => grpc.accept(socket),
    reload: async (changed) => {
      const files = await readTls(changed);
      if (files !== undefined && config.tls !== undefined) setTls(files);
    },
    metrics: readMetrics,
    giveNotice: () => {
      isEnding = true;
      opened.giveNotice();
      grpc.giveNotice();
    },
    drain: async (deadlineMs) => {
      unwatch();
      await grpc.drain(deadlineMs);
      await opened.drain(deadlineMs);
      await accessChanges.close();
      await tracer?.flush();
    },
  };
}

interface UserRouteDependencies {
  readonly config: ResolvedConfig;
  readonly calls: OperationCalls;
  readonly version: string;
  readonly log: Log;
  readonly port: number;
  readonly gateway: GatewayLocation;
  readonly agents?: AgentRouteDependencies;
}

/** What a process says whose role does not include the API. */
function refusalOf({ role }: Pick<ResolvedConfig, 'role'>): Refusal | undefined {
  const { api, gateway } = nodeWork[role];
  if (api) return undefined;
  const served = gateway ? 'predictions' : 'its own steps';
  const detail =
    `This node has the role \`${role}\` and serves only ${served}, \`/livez\`, \`/readyz\` and \`/metrics\`. ` +
    `Send the request to a node with the role ${rolesWith('api')
      .map((one) => `\`${one}\``)
      .join(' or ')}: \`dais admin nodes\` lists them.`;
  return { detail, isForSteps: !gateway };
}

/**
 * All routes except probes and metrics. A process without the API has the routes of predictions if its node has a gateway, and
 * otherwise the routes for its own steps.
 */
export async function userAdapters({
  config,
  calls,
  version,
  log,
  port,
  gateway,
  agents = {},
}: UserRouteDependencies): Promise<readonly RouteGroup[]> {
  const work = nodeWork[config.role];
  if (!work.api && work.gateway) return [inferenceRoutes({ calls, gateway })];
  if (!work.api) {
    const doors = [nativeRoutes({ calls, clock: systemClock, log }), transferRoutes({ calls })];
    return [...doors, ...(await protocolAdapters({ calls, log }))];
  }
  const page = await readConsolePage(consoleFolder());
  return [
    nativeRoutes({ calls, clock: systemClock, log }),
    transferRoutes({ calls }),
    authRoutes({ calls, clock: systemClock, behindHttps: isHttps(config.publicUrl) }),
    agentRoutes(agents),
    openApiRoutes(calls.operations, version),
    ...(await protocolAdapters({ calls, log })),
    inferenceRoutes({ calls, gateway }),
    docsRoutes(docsFolder()),
    page === undefined
      ? rootPageRoutes({ calls, clock: systemClock, url: publicUrl(config, port) })
      : consoleRoutes(consoleFolder(), page),
  ];
}

function openAccess({ config, ownerToken, database, sessions, log }: ServeDependencies): Access {
  const address = publicAddress(config.publicUrl);
  const behindHttps = isHttps(config.publicUrl);
  const secure = behindHttps || config.tls !== undefined;
  const gate = {
    hosts: [
      config.host,
      ...config.allowHosts,
      ...(address.host === undefined ? [] : [address.host]),
      ...(config.executions.agentUrl === undefined ? [] : [new URL(config.executions.agentUrl).hostname]),
    ],
    origins: [
      ...(address.origin === undefined ? [] : [address.origin]),
      ...config.allowHosts.flatMap((host) => [`https://${host}`, ...(secure ? [] : [`http://${host}`])]),
    ],
    token: ownerToken,
    behindHttps,
  };
  if (config.authentication.mode === 'solo') {
    const findStep: FindStep = async (text) =>
      await transact(database, { mode: 'read', projectId: ORGANIZATION }, ({ sql }) => findStepToken(sql, text));
    return new OwnerAccess({ ...gate, ownUid: process.geteuid?.(), findStep });
  }
  return new AccountAccess({ ...gate, database, sessions, clock: systemClock, log });
}

function isHttps(url: string | undefined): boolean {
  return url?.startsWith('https:') === true;
}

async function diskOf(folder: string): Promise<{ readonly free: number; readonly size: number }> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, size: blocks * bsize };
}

/** The built site: part of the published package, or of a checkout in which it was built. */
function docsFolder(): string {
  const fromSource = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(fromSource ? '../../../docs/.vitepress/dist' : '../docs', import.meta.url));
}

/** The built console: part of the published package, or of a checkout in which it was built. */
function consoleFolder(): string {
  const fromSource = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(fromSource ? '../../web/dist' : './console', import.meta.url));
}
