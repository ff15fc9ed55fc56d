/** The control process: one kernel with its ledgers, and the HTTP and gRPC servers in front of it. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { nodeWork } from '@dais/api/access';
import { metricsEntries } from '#http/metrics/metrics-routes.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import type { Kernel } from '#kernel/kernel.ts';
import { KindRegistry } from '#kernel/registry.ts';
import type { Authorizer } from '#kernel/principal.ts';
import { hasUsers } from '#policy/identity/users.ts';
import { authorizers, loadKinds, type KindsAndPolicies } from '#compose.ts';
import { openLedgers, type LedgerDependencies, type OpenedLedgers } from '#compose/open-ledgers.ts';
import type { ControlIo, ControlSetup } from './control-setup.ts';
import { openDatabaseArchive, type DatabaseArchive } from './database-archive.ts';
import { openAccounts, type Accounts } from './open-accounts.ts';
import { InternalListener } from './internal-listener.ts';
import { openEngines, prepareEngines, type ControlEngines, type LazyEngines } from './open-engines.ts';
import { openStorage, type Storage } from './open-storage.ts';
import { phaseTimer } from './phase-timer.ts';
import type { Reconciler } from '#kernel/reconciler.ts';
import { buildKernel, endpointReconciler, startKernel } from './start-kernel.ts';
import { stepsReadiness } from './steps-readiness.ts';
import { serveHttp, type HttpSide } from '#serve-http.ts';

/** After its deadline, a gateway that does not end is killed. */
const GATEWAY_END_MS = 3000;
/** Within the time that the supervisor leaves for the last work. */
const LAST_COLLECTION_MS = 10_000;

interface ControlDependencies {
  readonly setup: ControlSetup;
  readonly io: ControlIo;
  readonly engines: ControlEngines;
  readonly lazy: LazyEngines;
  readonly storage: Storage;
  readonly accounts: Accounts;
  readonly kernel: Kernel;
  readonly ledgers: OpenedLedgers;
  readonly archive: DatabaseArchive;
  readonly internal: InternalListener;
  readonly reconciler: Reconciler | undefined;
}

export class Control {
  readonly #dependencies: ControlDependencies;
  readonly #http: HttpSide;

  private constructor(dependencies: ControlDependencies, http: HttpSide) {
    this.#dependencies = dependencies;
    this.#http = http;
  }

  /** @throws DaisError if the database cannot be used. */
  static async start(setup: ControlSetup, io: ControlIo): Promise<Control> {
    const { config } = setup;
    const { log } = io;
    const engines = await openEngines(setup, io);
    const timed = phaseTimer(io, engines.clock);
    const { clock, keys, outbound } = engines;
    let ledgers: OpenedLedgers | undefined;
    const endpointWork = () => {
      if (ledgers === undefined) throw new Error('an endpoint was reconciled before the ledgers were opened');
      return ledgers.serving.work;
    };
    const targets = () => {
      if (ledgers === undefined) throw new Error('a target was reconciled before the ledgers were opened');
      return ledgers.targets.registry;
    };
    const folderRoot = config.tracking.artifactRoot;
    const loaded = await loadKinds({ keys, outbound, clock, folderRoot, endpointWork, targets });
    const { kinds } = loaded;
    const storage = await openStorage(setup, engines, { kinds, log, timed });
    const { database, stored } = storage;
    try {
      // Steps of an earlier process may connect before this one serves: their connections wait.
      let serve: (side: HttpSide) => void = () => {};
      const serving = new Promise<HttpSide>((resolve) => (serve = resolve));
      const accept = (socket: Socket, attempt: string) =>
        void serving.then((side) => side.acceptFromStep(socket, attempt));
      const lazy = prepareEngines(setup, engines, { database, accept });
      const holder = randomUUID();
      const authorizer = await authorizers[config.authentication.mode]({
        database,
        clock,
        log,
        engine: loaded.policies,
      });
      ledgers = await openLedgers(
        ledgerDependencies(setup, io, { engines, lazy, storage, loaded, authorizer, holder }),
      );
      const accounts = await openAccounts(setup, engines, { database, kinds, log, kernel: () => kernel });
      const metrics = { entries: metricsEntries(async () => await (await serving).metrics()) };
      const kernel: Kernel = buildKernel(setup, engines, {
        database,
        kinds,
        authorizer,
        holder,
        log,
        parts: [loaded, ...accounts.parts, ...ledgers.all, ledgers.targets, stored, metrics],
      });
      const { all } = ledgers;
      await timed('kernel', async () => await startKernel(setup, { kernel, ledgers: all, database }));
      const reconciler = endpointReconciler(setup, engines, { database, kinds, holder, log });
      await reconciler?.start();
      const archive = await openDatabaseArchive(setup, engines, { database, log });
      const { nodes, serving: served } = ledgers;
      const internal = await InternalListener.open({
        config,
        connections: nodes.connections,
        routes: served.internal,
        clock,
        log,
      });
      const opened = { setup, io, engines, lazy, storage, accounts, kernel, ledgers, archive, internal, reconciler };
      const http = await timed('http', async () => await serveOpened(opened));
      serve(http);
      // It starts programs, and may install one: nothing waits for it.
      void engines.isolationState.read();
      if (config.authentication.mode === 'accounts' && !(await hasUsers(database))) {
        log.info('No user accounts exist yet. Create the first administrator: dais user invite EMAIL --admin');
      }
      return new Control(opened, http);
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** `at`: the socket of the connection, unless it is the main one. */
  accept(socket: Socket, at: string | undefined): void {
    if (at === 'grpc') this.#http.acceptGrpc(socket);
    else this.#http.accept(socket);
  }

  /** Receives a message of another process of the tree. */
  hear(from: string, body: unknown): void {
    this.#dependencies.engines.gateway.hear(from, body);
  }

  /** Applies changes that need no restart. */
  async reload(setup: ControlSetup): Promise<void> {
    await this.#http.reload(setup.config);
  }

  /** Announces the end to load balancers and clients. */
  giveNotice(): void {
    this.#http.giveNotice();
  }

  /** Lets running requests finish, collects the last predictions of the gateway, then stops everything. `isOrphan`: the supervisor has died. */
  async drain(deadlineMs: number, { isOrphan = false }: { readonly isOrphan?: boolean } = {}): Promise<void> {
    const { setup, engines, lazy, storage, kernel, ledgers, archive, internal, reconciler } = this.#dependencies;
    const hasGateway = nodeWork[setup.config.role].gateway && !isOrphan;
    const gatewayEnded = engines.gateway.whenEnded(hasGateway ? deadlineMs + GATEWAY_END_MS : 0);
    await Promise.all([this.#http.drain(deadlineMs), internal.close(deadlineMs)]);
    if (hasGateway) {
      await gatewayEnded;
      await ledgers.predictions.collectLast(LAST_COLLECTION_MS);
    }
    await archive.stop();
    await reconciler?.stop();
    for (const ledger of ledgers.all) await ledger.stop?.();
    // Steps keep running; the next process finds them.
    await ledgers.targets.close();
    lazy.egress.close();
    await (await lazy.compute.opened())?.close();
    await kernel.stop();
    await engines.query.close();
    await engines.isolation.close();
    await (await lazy.online.opened())?.close();
    for (const ledger of ledgers.all) await ledger.close?.();
    await storage.database.close();
    await storage.stored.blobs.close();
    await engines.keys.close();
    await engines.outbound.close();
  }
}

interface Opened {
  readonly engines: ControlEngines;
  readonly lazy: LazyEngines;
  readonly storage: Storage;
  readonly loaded: KindsAndPolicies;
  readonly authorizer: Authorizer;
  readonly holder: string;
}

function ledgerDependencies(
  { config, port }: ControlSetup,
  { log }: ControlIo,
  { engines, lazy, storage: { database, stored }, loaded, authorizer, holder }: Opened,
): LedgerDependencies {
  const { blobs } = stored;
  const registry = new KindRegistry(loaded.kinds);
  return {
    ...engines,
    ...lazy,
    config,
    port,
    log,
    holder,
    database,
    blobs,
    authorizer,
    environment: engines.around.environment,
    content: new Content({ database, blobs, clock: engines.clock, ...CONTENT_DEFAULTS }),
    kinds: () => registry,
    servingRefusal: loaded.servingRefusal,
  };
}

/** Opens the HTTP and gRPC servers. */
async function serveOpened({
  setup,
  io,
  engines,
  lazy,
  storage,
  accounts,
  kernel,
  ledgers,
  archive,
}: ControlDependencies) {
  const { config, port, ownerToken, version } = setup;
  const { query, tracer, gateway, isolationState, gate } = engines;
  const { database, slices, stored } = storage;
  return await serveHttp({
    config,
    port,
    ownerToken,
    version,
    kernel,
    database,
    query,
    slices,
    tracer,
    gateway,
    gate,
    log: io.log,
    socketDiagnosis: io.socketDiagnosis,
    blobs: stored.blobs,
    sessions: accounts.sessions,
    ledgers: [...ledgers.all.flatMap(({ metrics }) => metrics ?? []), archive.metrics],
    egress: () => lazy.egress.figures(),
    agents: { handle: ledgers.targets.handleAgent },
    content: stored.health,
    checks: async () => [
      isolationState.check(),
      ...archive.readiness(),
      ...(await stepsReadiness(config.role, ledgers)),
    ],
  });
}
