/** Opens the engines of a control process, before there is a database and after. */
import type { Socket } from 'node:net';
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Compute } from '#engines/compute/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Environments } from '#engines/environments/contract.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { OnlineStore } from '#engines/online/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import { systemClock, type Clock } from '#lib/clock.ts';
import { Lazy } from '#lib/concurrency/lazy.ts';
import { WorkGate } from '#lib/concurrency/work-gate.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import { openOutbound } from './open-outbound.ts';
import { openCompute } from '#compose/compute.ts';
import { RecentFigures, type ModelBench } from '#compose/endpoints.ts';
import type { EngineEnvironment } from '#compose/engines.ts';
import { openOnline } from '#compose/data.ts';
import { openControlIsolation, type IsolationPaths } from '#compose/isolation.ts';
import { openBench } from '#compose/models.ts';
import { openEnvironments, openQuery } from '#compose/environments.ts';
import { childEnvironment } from '#config-load.ts';
import type { ControlIo, ControlSetup } from './control-setup.ts';
import { Egress } from './egress.ts';
import { openBlobs, openKeys } from '#compose/open-stores.ts';
import { SupervisedGateway, type ToGateway } from './gateway-link.ts';
import type { IsolationState } from './isolation-state.ts';
import { openTracer } from './open-tracer.ts';

/** The engines that need no database. */
export interface ControlEngines {
  readonly clock: Clock;
  readonly around: EngineEnvironment;
  readonly outbound: Outbound;
  readonly tracer: Tracer | undefined;
  readonly keys: KeyStore;
  readonly store: BlobStore;
  readonly query: QueryEngine;
  readonly isolation: Isolation;
  readonly isolationPaths: IsolationPaths;
  readonly isolationState: IsolationState;
  readonly gateway: SupervisedGateway;
  readonly recent: RecentFigures;
  /** Closed while the node drains. */
  readonly gate: WorkGate;
}

/** @throws DaisError `invalid_config`, `blobs_unavailable`, `storage_full`. */
export async function openEngines({ config, version }: ControlSetup, io: ControlIo): Promise<ControlEngines> {
  const clock = systemClock;
  const { log } = io;
  const outbound = await openOutbound(config.outbound, version);
  const around = { dataFolder: config.data, clock, log, environment: childEnvironment(), outbound };
  const traced = { config, version, role: config.role, log, outbound: async () => await Promise.resolve(outbound) };
  const tracer = await openTracer(traced);
  const [keys, store, isolated] = await Promise.all([
    openKeys(config.keys, around),
    openBlobs(config.blobs, around),
    openControlIsolation(config, around),
  ]);
  const query = await openQuery(config, { ...around, isolation: isolated.isolation });
  const recent = new RecentFigures();
  const gate = new WorkGate();
  const gateway = new SupervisedGateway({
    want: () => io.want('gateway'),
    post: (message: ToGateway) => io.post('gateway', message),
    recent,
    host: config.host,
    secure: config.tls !== undefined,
    // Behind a proxy, clients may not reach the port of the gateway.
    publicUrl: config.inferenceUrl ?? config.publicUrl,
    now: () => clock.now(),
    ready: () => gate.isOpen,
  });
  gate.listen(() => gateway.greet());
  return { clock, around, outbound, tracer, keys, store, query, ...isolated, gateway, recent, gate };
}

/** The engines that are opened at their first use. */
export interface LazyEngines {
  readonly compute: Lazy<Compute>;
  readonly environments: Lazy<Environments>;
  readonly online: Lazy<OnlineStore>;
  readonly bench: Lazy<ModelBench>;
  readonly egress: Egress;
}

/** `accept`: accepts a connection of an isolated step to this server. */
export function prepareEngines(
  { config, port }: ControlSetup,
  { around, isolation, outbound }: ControlEngines,
  { database, accept }: { readonly database: Database; readonly accept: (socket: Socket, attempt: string) => void },
): LazyEngines {
  const hidden = [config.keys, config.blobs].flatMap((one) => ('folder' in one ? (one.folder ?? []) : []));
  const egress = new Egress(outbound);
  const steps = {
    engine: config.executions.engine,
    reach: [{ port, accept }],
    proxy: egress.taskProxy(port),
    keepFreeBytes: config.executions.keepFreeDiskBytes,
  };
  const isolated = { ...around, isolation };
  return {
    egress,
    compute: new Lazy(async () => await openCompute(isolated, hidden, steps)),
    environments: new Lazy(async () => await openEnvironments(config, isolated)),
    online: new Lazy(async () => await openOnline(config, { ...around, database })),
    bench: new Lazy(async () => await openBench(isolated)),
  };
}
