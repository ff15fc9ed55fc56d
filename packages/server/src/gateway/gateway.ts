/** Composes, starts and stops a gateway. */
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { DaisError } from '@dais/api/errors';
import { snapshotSchema } from '@dais/api/gateway';
import { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { Explainer } from './explain/explain.ts';
import { GatewayMetrics } from './metrics/gateway-metrics.ts';
import type { GatewayStats, VariantStats } from './metrics/gateway-stats.ts';
import { openGrpc, type GrpcAcceptor } from './grpc-gateway.ts';
import { HttpGateway } from './http/http-gateway.ts';
import { LoadJournal } from './models/load-journal.ts';
import { loadModel } from './models/load-model.ts';
import { LoadQueue } from './models/load-queue.ts';
import type { Gateway, GatewayOptions } from './options.ts';
import { Predictor } from './predictions/predictor.ts';
import { chooseByFirstByte } from './http/first-byte.ts';
import { probes } from './metrics/probes.ts';
import type { EndpointRoute, RouteVariant } from './routing/route-table.ts';
import { Routes } from './routing/routes.ts';
import { SnapshotStore } from './routing/snapshot-store.ts';

const LOOPBACK = '127.0.0.1';
/** Memory of finished bodies and batches, for reuse. */
const MOST_KEPT_BYTES = 64 * 1024 * 1024;
/** Also on one core: a load mostly waits for the disk and a process. */
const LEAST_LOADS_AT_ONCE = 2;
/** After a gateway was killed, clients reconnect to the next one while it loads the models: half of the default timeout of a request. */
const LOAD_WAIT_MS = 15_000;

/** Accepts connections when it returns. The models of the local snapshot may still be loading then. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { clock, log, listen, version, number, capture } = options;
  const store = new SnapshotStore(options.folder);
  const memory = new BufferPool(clock, MOST_KEPT_BYTES);
  const journal = await LoadJournal.open(options);
  const routes = new Routes({
    memory,
    clock,
    log,
    journal,
    loadWaitMs: options.loadWaitMs ?? LOAD_WAIT_MS,
    queue: new LoadQueue(clock, Math.max(LEAST_LOADS_AT_ONCE, availableParallelism())),
    load: async (served, hooks) => await loadModel(served, options, hooks),
  });
  const predictor = new Predictor({ routes, capture, number, tracer: options.tracer, clock, log });
  const metrics = new GatewayMetrics();
  let contactAt = 0;
  let draining = false;
  let nodeIsReady = true;
  const stats = () => ({ ...routeStats(routes), draining, capture: capture?.stats() });
  const ready = () => !draining && nodeIsReady && routes.table.revision >= 0;

  const stored = await store.read().catch((error: unknown) => {
    log.warn('cannot read the local snapshot', { error });
    return undefined;
  });
  if (stored !== undefined) {
    ({ contactAt } = stored);
    // Each model serves as soon as it is loaded, independent of the slowest one.
    routes.swap(stored.snapshot, { cold: true }).then(
      ({ revision, failed }) => log.info('serving from the local snapshot', { revision, failed: [...failed.keys()] }),
      (error: unknown) => log.error('cannot load the models of the local snapshot', { error }),
    );
  }

  const shared = {
    routes,
    predictor,
    view: { routes, explainer: new Explainer(), version, ready },
    contactAt: () => contactAt,
    draining: () => draining,
    clock,
    log,
  };
  const http = new HttpGateway({
    ...shared,
    doors: [...options.doors, probes(async () => await metrics.expose(stats()))],
    allowHosts: listen.allowHosts ?? [],
    patience: listen.patience,
    memory,
  });
  const plain = http.plain({ guarded: false });
  const guarded = http.plain({ guarded: true });
  const secure = listen.tls === undefined ? undefined : http.secure(listen.tls);
  const sockets = new Set<Socket>();
  const trackSocket = (socket: Socket, by: (socket: Socket) => void) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    by(socket);
  };
  const accept = (socket: Socket) =>
    trackSocket(socket, (mine) => {
      if (secure === undefined) plain.accept(mine);
      else chooseByFirstByte(mine, { secure: (one) => secure.emit('connection', one), plain: plain.accept });
    });
  const servers: Server[] = [];
  let port: number | undefined;
  let grpc: GrpcAcceptor | undefined;
  let grpcPort: number | undefined;
  const closeAll = async (deadlineMs: number): Promise<void> => {
    for (const server of servers) server.close();
    plain.closeIdle();
    guarded.closeIdle();
    secure?.close();
    await Promise.all([closeSockets(sockets, deadlineMs, clock), grpc?.drain(deadlineMs)]);
    // A hanging load or shadow request must not block the shutdown.
    const timedOut = await within(deadlineMs, clock, async () => {
      await predictor.shadows.settled();
      await routes.close();
    });
    if (timedOut) log.warn('models were still loading or running when the gateway stopped');
    await journal.close().catch((error: unknown) => log.error('cannot close the load journal', { error }));
    await capture?.flush();
    const { tracer } = options;
    // An unreachable trace collector must not block the shutdown either.
    if (tracer !== undefined) await within(deadlineMs, clock, async () => await tracer.flush());
  };
  try {
    if (listen.port !== undefined) {
      const server = createServer((socket) => trackSocket(socket, plain.accept));
      servers.push(server);
      port = await listenOn(server, { port: listen.port, host: listen.host ?? LOOPBACK });
    }
    if (listen.socket !== undefined) {
      await mkdir(dirname(listen.socket), { recursive: true });
      // Left by a killed gateway.
      await rm(listen.socket, { force: true });
      const server = createServer((socket) => trackSocket(socket, guarded.accept));
      servers.push(server);
      await listenOn(server, { path: listen.socket });
    }
    if (listen.grpcPort !== undefined || listen.grpc === true) {
      grpc = await openGrpc(listen.tls, { ...shared, rpcs: options.rpcs });
    }
    if (listen.grpcPort !== undefined && grpc !== undefined) {
      const server = createServer({ noDelay: true }, grpc.accept);
      servers.push(server);
      grpcPort = await listenOn(server, { port: listen.grpcPort, host: listen.host ?? LOOPBACK });
    }
  } catch (error) {
    await closeAll(0);
    throw error;
  }

  const giveNotice = () => {
    if (!draining) grpc?.giveNotice();
    draining = true;
  };
  const recordContact = () => {
    contactAt = clock.now();
    void store.recordContact(contactAt);
  };
  return {
    port,
    grpcPort,
    swap: async (given) => {
      const read = snapshotSchema.safeParse(given);
      if (!read.success) throw new DaisError('invalid_request', `The snapshot is invalid: ${read.error.message}`);
      contactAt = clock.now();
      const swapped = routes.swap(read.data, { cold: false });
      // A gateway that cannot write continues; after a restart it waits for the control plane.
      await store.write(read.data, contactAt).catch((error: unknown) => {
        log.error('cannot write the local snapshot', { error });
      });
      return await swapped;
    },
    recordContact,
    setReady: (value) => {
      nodeIsReady = value;
    },
    accept: (socket, at) => {
      if (at !== 'grpc') accept(socket);
      else if (grpc === undefined) socket.destroy();
      else grpc.accept(socket);
    },
    setTls: (tls) => {
      secure?.setSecureContext(tls);
      grpc?.setTls(tls);
    },
    stats,
    giveNotice,
    drain: async ({ noticeMs, deadlineMs }) => {
      giveNotice();
      if (noticeMs > 0) await new Promise<void>((resolve) => void clock.after(noticeMs, resolve));
      await closeAll(deadlineMs);
    },
  };
}

/** Returns true if the time limit was exceeded. */
async function within(ms: number, clock: GatewayOptions['clock'], work: () => Promise<void>): Promise<boolean> {
  return await new Promise<boolean>((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(true));
    work()
      .then(() => resolve(false), reject)
      .finally(cancel);
  });
}

async function listenOn(server: Server, where: { port: number; host: string } | { path: string }): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new DaisError('address_in_use', `The gateway cannot listen: ${error.message}`, { cause: error })),
    );
    server.listen(where, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Closes sockets with an active request after its response, or at the deadline. */
async function closeSockets(
  sockets: ReadonlySet<Socket>,
  deadlineMs: number,
  clock: GatewayOptions['clock'],
): Promise<void> {
  if (sockets.size === 0) return;
  await new Promise<void>((resolve) => {
    const cancel = clock.after(deadlineMs, () => {
      for (const socket of sockets) socket.destroy();
    });
    for (const socket of sockets) {
      socket.once('close', () => {
        if (sockets.size > 0) return;
        cancel();
        resolve();
      });
    }
  });
}

function routeStats(routes: Routes): Pick<GatewayStats, 'revision' | 'variants' | 'models'> {
  const { revision, endpoints } = routes.table;
  return {
    revision,
    variants: [...endpoints.values()].flatMap((route) => [
      ...route.variants.map((variant) => variantStats(route, variant, false)),
      ...route.shadows.map((variant) => variantStats(route, variant, true)),
    ]),
    models: [...routes.slots()].map((slot) => slot.stats()),
  };
}

function variantStats(
  { served, load }: EndpointRoute,
  { name, model, counters }: RouteVariant,
  shadow: boolean,
): VariantStats {
  const { requests, failures, refused, modelErrors, shed, shadowDropped, lastAt, batches } = counters;
  return {
    project: served.project,
    endpoint: served.name,
    variant: name,
    model: model.key,
    version: model.version ?? model.name,
    shadow,
    running: load.running,
    requests,
    failures,
    refused,
    modelErrors,
    shed,
    rows: batches.rows,
    shadowDropped,
    latencies: [...counters.latencies],
    latencyGrid: [...counters.latencyGrid],
    latencySeconds: counters.latencyMicros / 1e6,
    lastAt,
  };
}
