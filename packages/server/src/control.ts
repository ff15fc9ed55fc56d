/** The control process: one kernel and its doors, between being told how to start and having drained. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Compute } from '#engines/compute/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { OnlineStore } from '#engines/online/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import { metricsEntries } from '#http/metrics-door.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { Kernel } from '#kernel/kernel.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { systemClock } from '#lib/clock.ts';
import { Lazy } from '#lib/lazy.ts';
import { randomBytes } from '#lib/random-bytes.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { Sessions } from '#policy/identity/sessions.ts';
import { hasUsers } from '#policy/identity/users.ts';
import { openOutbound } from './calls.ts';
import {
  loadAudit,
  authorizers,
  loadIdentity,
  loadKinds,
  loadLineage,
  loadSignIn,
  loadSlices,
  loadWebhooks,
  openDatabase,
  openEnvironments,
  openQuery,
} from './compose.ts';
import { computeRules, openCompute } from './compose-compute.ts';
import { loadArtifacts, loadExecutions, loadTracking } from './compose-runs.ts';
import { loadData, loadQuality } from './compose-data.ts';
import { loadLabels, loadPrivacy } from './compose-privacy.ts';
import { loadMonitoring, loadPredictions, loadSafety } from './compose-predictions.ts';
import { loadFeatures, openOnline } from './compose-features.ts';
import { openControlIsolation } from './compose-isolation.ts';
import { loadModelJobs, openBench } from './compose-model-jobs.ts';
import { loadServing, RecentFigures, type ServingLedger } from './compose-endpoints.ts';
import { childEnvironment } from './config-load.ts';
import { Egress } from './egress.ts';
import { endEarlierLeases } from './earlier-leases.ts';
import { loadContent } from './compose-content.ts';
import { checkOutputs } from './check-outputs.ts';
import type { ControlIo, ControlSetup } from './control-setup.ts';
import { SupervisedGateway, type ToGateway } from './gateway-link.ts';
import { openBlobs, openKeys } from './engines.ts';
import { readProviders } from './identity-providers.ts';
import { openTracer } from './open-tracer.ts';
import { migrateWithBackup } from './migration-backup.ts';
import { serveHttp, type HttpSide } from './serve-http.ts';
import { insideUrl, publicUrl, stepUrl } from './server-url.ts';

interface ControlParts {
  readonly http: HttpSide;
  readonly kernel: Kernel;
  readonly audit: Awaited<ReturnType<typeof loadAudit>>;
  readonly executions: Awaited<ReturnType<typeof loadExecutions>>;
  readonly compute: Lazy<Compute>;
  readonly query: QueryEngine;
  readonly online: Lazy<OnlineStore>;
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly keys: KeyStore;
  readonly outbound: Outbound;
  readonly egress: Egress;
  readonly gateway: SupervisedGateway;
  readonly isolation: Isolation;
  readonly serving: ServingLedger;
}

export class Control {
  readonly #parts: ControlParts;

  private constructor(parts: ControlParts) {
    this.#parts = parts;
  }

  /** @throws DaisError when the database cannot be used as it is. */
  static async start(setup: ControlSetup, io: ControlIo): Promise<Control> {
    const { config } = setup;
    const clock = systemClock;
    const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      const from = clock.now();
      const result = await work();
      io.onPhase(name, clock.now() - from);
      return result;
    };
    const outbound = await openOutbound(config.outbound, setup.version);
    const told = { config, version: setup.version, role: config.role, log: io.log };
    const tracer = await openTracer({ ...told, outbound: async () => await Promise.resolve(outbound) });
    const around = { dataFolder: config.data, clock, log: io.log, environment: childEnvironment(), outbound };
    let endpoints: ServingLedger | undefined;
    const endpointWork = () => {
      if (endpoints === undefined) throw new Error('an endpoint was followed before there was a kernel');
      return endpoints.work;
    };
    const keys = await openKeys(config.keys, around);
    const { isolation, isolationPlaces, isolationState } = await openControlIsolation(config, around);
    const query = await openQuery(config, { ...around, isolation });
    const [{ kinds, jobs, entries, policies, subscribers, servingRefusal }, store] = await Promise.all([
      loadKinds({ keys, outbound, clock, folderRoot: config.tracking.artifactRoot, endpointWork }),
      openBlobs(config.blobs, around),
    ]);
    const recent = new RecentFigures();
    const gateway = new SupervisedGateway({
      want: () => io.want('gateway'),
      tell: (message: ToGateway) => io.tell('gateway', message),
      recent,
      host: config.host,
      secure: config.tls !== undefined,
      now: () => clock.now(),
    });
    const slices = await loadSlices(kinds);
    await timed('schema', async () => await migrateWithBackup(setup, { slices, clock, log: io.log }));
    const database = await openDatabase(setup.connection, {
      poolSize: config.database.poolSize,
      applicationName: `dais ${config.role}`,
    });
    const stored = await loadContent({ store, database, clock, log: io.log, config: config.content });
    const { blobs } = stored;
    try {
      const holder = randomUUID();
      const { folder, webhook } = config.audit.checkpoints;
      const audit = await loadAudit({
        database,
        keys,
        blobs,
        outbound,
        clock,
        log: io.log,
        holder,
        checkpointFolders: [join(config.data, 'audit-checkpoints'), ...(folder === undefined ? [] : [folder])],
        checkpointWebhook: webhook,
        days: config.retention.auditDays,
      });
      const content = new Content({ database, blobs, clock, ...CONTENT_DEFAULTS });
      const onTracking = { clock, random: randomBytes, folderRoot: config.tracking.artifactRoot };
      const artifacts = await loadArtifacts({ ...onTracking, database, content, blobs });
      const tracking = await loadTracking({
        ...onTracking,
        traceDays: config.retention.traceDays,
        deletedDays: config.retention.deletedDays,
      });
      const { url, apiKey, namespace } = config.openlineage;
      const lineage = await loadLineage({
        days: config.retention.lineageDays,
        now: () => clock.now(),
        emission: url === undefined ? undefined : { url, apiKey, namespace, outbound, clock, log: io.log },
      });
      const hidden = [config.keys, config.blobs].flatMap((one) => ('folder' in one ? (one.folder ?? []) : []));
      // Steps of an earlier process may call before this one serves: they wait.
      let serve: (side: HttpSide) => void = () => {};
      const serving = new Promise<HttpSide>((resolve) => (serve = resolve));
      const reach = {
        port: setup.port,
        accept: (socket: Socket, attempt: string) => void serving.then((side) => side.acceptFromStep(socket, attempt)),
      };
      const egress = new Egress(outbound);
      const proxy = egress.taskProxy(setup.port);
      const { keepFreeDiskBytes: keepFreeBytes } = config.executions;
      const compute = new Lazy(
        async () => await openCompute({ ...around, isolation }, hidden, { reach: [reach], proxy, keepFreeBytes }),
      );
      const environments = new Lazy(async () => await openEnvironments(config, { ...around, isolation }));
      const local = { database, blobs, folder: join(config.data, 'datasets') };
      const onQuery = { now: () => clock.now(), query: async () => await Promise.resolve(query) };
      const privacy = await loadPrivacy({ ...onQuery, database, keys, local, random: randomBytes });
      const quality = await loadQuality({
        ...onQuery,
        database,
        local,
        log: io.log,
        masked: async (tx, dataset, _principal, may) => await privacy.masked(tx, dataset, may),
      });
      const data = await loadData({
        ...local,
        keys,
        outbound,
        content,
        clock,
        log: io.log,
        query: onQuery.query,
        kinds: () => kernel.kinds,
        hooks: {
          begin: async (tx, version) => {
            await privacy.enqueueScan(tx, version);
            return await quality.begin(tx, version);
          },
          forget: [privacy.forget, quality.forget],
          masked: async (tx, dataset, _principal, may) => await privacy.masked(tx, dataset, may),
        },
      });
      const executions = await loadExecutions({
        database,
        content,
        keys,
        clock,
        log: io.log,
        holder,
        // What was begun here is found again here, and nowhere else.
        place: `${hostname()}:${config.data}`,
        compute: async () => await compute.get(),
        environments: async () => await environments.get(),
        solo: config.authentication.mode === 'solo',
        random: randomBytes,
        folderRoot: config.tracking.artifactRoot,
        urls: { inside: insideUrl(setup.port), outside: stepUrl(config, setup.port) },
        ...computeRules(config, around),
        days: config.retention.executionDays,
        data: data.steps,
        outbound,
        tracer,
      });
      const onLabels = { now: onQuery.now, folder: local.folder, masks: privacy.masks };
      const labels = await loadLabels({ ...onLabels, maker: data.maker });
      const online = new Lazy(async () => await openOnline(config, { ...around, database }));
      const features = await loadFeatures({
        database,
        clock,
        log: io.log,
        data: local,
        maker: data.maker,
        masks: privacy.masks,
        query: async () => await Promise.resolve(query),
        online: async () => await online.get(),
        folder: join(config.data, 'features', 'jobs'),
        days: config.features.days,
      });
      const predictions = await loadPredictions({
        database,
        content,
        blobs,
        clock,
        log: io.log,
        query: onQuery.query,
        data: config.data,
        folder: join(config.data, 'predictions', 'jobs'),
        days: config.retention.predictionDays,
        projectBytes: config.retention.predictionBytes,
      });
      const safety = await loadSafety({ blobs, now: onQuery.now });
      const modelJobs = await loadModelJobs({
        database,
        content,
        environments: async () => await environments.get(),
        query: onQuery.query,
        data: local,
        maker: data.maker,
        masks: privacy.masks,
        masked: async (tx, dataset, _principal, may) => await privacy.masked(tx, dataset, may),
        gateway,
        prediction: predictions.get,
        folder: join(config.data, 'model-jobs'),
        days: config.retention.executionDays,
        clock,
        log: io.log,
        isolation,
        isolationPlaces,
      });
      const monitoring = await loadMonitoring({
        database,
        clock,
        log: io.log,
        query: onQuery.query,
        predictions: predictions.reader,
        explainer: modelJobs.explainer,
        usage: async (of) => await endpoints?.usage.between(of),
        local,
        masked: async (tx, dataset) =>
          (await privacy.masked(tx, dataset, async () => await Promise.resolve(false))).map(({ column }) => column),
        startPipeline: executions.start,
        url: publicUrl(config, setup.port),
      });
      const { allowHosts } = config.outbound;
      const webhooks = await loadWebhooks({ database, keys, outbound, clock, allowHosts });
      const { authentication } = config;
      const authorizer = await authorizers[authentication.mode]({ database, clock, log: io.log, engine: policies });
      const { soloAccess, tokenAccess } = await import('#policy/gateway-access.ts');
      const served = await loadServing({
        database,
        content,
        environments: async () => await environments.get(),
        kinds: () => kernel.kinds,
        gateway,
        recent,
        bench: new Lazy(async () => await openBench({ ...around, isolation })),
        access:
          authentication.mode === 'solo'
            ? soloAccess
            : tokenAccess({
                authorizer,
                ownToken: gateway.token,
                offlineMs: authentication.gatewayOfflineMinutes * 60_000,
              }),
        // In solo mode no policy decides.
        ...(authentication.mode === 'accounts' && { refusal: servingRefusal }),
        folder: join(config.data, 'serving'),
        days: config.retention.executionDays,
        clock,
        log: io.log,
      });
      endpoints = served;
      const life = {
        idleMs: authentication.sessionIdleMinutes * 60_000,
        absoluteMs: authentication.sessionHours * 3_600_000,
      };
      const sessions = new Sessions(life, randomBytes);
      const accounts = {
        database,
        kinds: new KindRegistry(kinds),
        sessions,
        random: randomBytes,
        settings: authentication,
        url: publicUrl(config, setup.port),
      };
      const providers = await readProviders(authentication.providers);
      const identity = await loadIdentity({
        ...accounts,
        operations: () => kernel.dispatcher.operations,
        providers: providers.map(({ name, title = name }) => ({ name, title })),
      });
      const deviceTokenMs = authentication.cliHours * 3_600_000;
      const signIn = await loadSignIn({ ...accounts, keys, outbound, clock, log: io.log, providers, deviceTokenMs });
      const kernel: Kernel = new Kernel({
        wrapEntry: setup.checkOutputs === true ? checkOutputs : undefined,
        database,
        kinds,
        jobs: [
          ...jobs,
          ...identity.jobs,
          ...signIn.jobs,
          ...audit.jobs,
          ...tracking.jobs,
          ...lineage.jobs,
          ...webhooks.jobs,
          ...executions.jobs,
          ...data.jobs,
          ...privacy.jobs,
          ...quality.jobs,
          ...labels.jobs,
          ...features.jobs,
          ...served.jobs,
          ...predictions.jobs,
          ...safety.jobs,
          ...modelJobs.jobs,
          ...monitoring.jobs,
          ...stored.jobs,
        ],
        entries: [
          ...entries,
          ...identity.entries,
          ...signIn.entries,
          ...audit.entries,
          ...tracking.entries,
          ...lineage.entries,
          ...webhooks.entries,
          ...executions.entries,
          ...data.entries,
          ...privacy.entries,
          ...quality.entries,
          ...labels.entries,
          ...features.entries,
          ...served.entries,
          ...predictions.entries,
          ...safety.entries,
          ...modelJobs.entries,
          ...monitoring.entries,
          ...artifacts,
          ...stored.entries,
          ...metricsEntries(async () => await (await serving).metrics()),
        ],
        subscribers: [
          ...subscribers,
          audit.subscriber,
          webhooks.subscriber,
          executions.subscriber,
          safety.subscriber,
          ...lineage.subscribers,
        ],
        authorizer,
        holder,
        random: Math.random,
        clock,
        log: io.log,
        retention: config.retention,
        server: () => ({
          version: setup.version,
          mode: authentication.mode,
          database: setup.database,
          startedAt: setup.startedAt,
          ...(isolationState.latest !== undefined && { isolation: isolationState.latest }),
        }),
      });
      await timed('kernel', async () => {
        if (setup.database.engine === 'embedded') await endEarlierLeases(database);
        await kernel.bootstrap();
        await kernel.start({ controller: config.role !== 'api' });
        if (config.role !== 'api') await audit.start();
        if (config.role !== 'api') await executions.worker.start();
        await served.publisher.start();
        await served.usage.start();
      });
      const { port, ownerToken, version } = setup;
      const http = await timed('http', () =>
        serveHttp({
          config,
          port,
          ownerToken,
          version,
          kernel,
          database,
          query,
          slices,
          blobs,
          tracer,
          sessions,
          gateway,
          executions: executions.figures,
          egress: () => egress.figures(),
          monitoring: monitoring.figures,
          content: stored.health,
          isolation: () => isolationState.check(),
          log: io.log,
        }),
      );
      serve(http);
      // It starts programs, and may install one: nobody waits for it.
      void isolationState.read();
      if (authentication.mode === 'accounts' && !(await hasUsers(database))) {
        io.log.info('Nobody has an account yet. Make the first administrator: dais user invite EMAIL --admin');
      }
      return new Control({
        http,
        kernel,
        audit,
        executions,
        compute,
        query,
        online,
        database,
        blobs,
        keys,
        outbound,
        egress,
        gateway,
        isolation,
        serving: served,
      });
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** `at`: the socket that it came to, where it is not the main one. */
  accept(socket: Socket, at: string | undefined): void {
    if (at === 'grpc') this.#parts.http.acceptGrpc(socket);
    else this.#parts.http.accept(socket);
  }

  /** What another process of the tree says. */
  hear(from: string, body: unknown): void {
    this.#parts.gateway.hear(from, body);
  }

  /** Takes over what can change without a restart. */
  async reload(setup: ControlSetup): Promise<void> {
    await this.#parts.http.reload(setup.config);
  }

  /** Lets running requests finish, then stops everything. */
  async drain(deadlineMs: number): Promise<void> {
    const { http, kernel, audit, executions, compute, query, online, database, blobs, keys, outbound } = this.#parts;
    await http.drain(deadlineMs);
    await executions.worker.stop();
    await this.#parts.serving.publisher.stop();
    await this.#parts.serving.usage.stop();
    await this.#parts.serving.loadTests.close();
    await this.#parts.serving.bench.close();
    // Steps go on; the next process finds them.
    this.#parts.egress.close();
    await (await compute.opened())?.close();
    await kernel.stop();
    await query.close();
    await this.#parts.isolation.close();
    await (await online.opened())?.close();
    await audit.stop();
    await database.close();
    await blobs.close();
    await keys.close();
    await outbound.close();
  }
}
