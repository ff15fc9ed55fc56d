/** The program of the gateway process: receives its routes over IPC, and exits with its supervisor. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { DaisError, toProblem } from '@dais/api/errors';
import type { GatewayFigures, Snapshot } from '@dais/api/gateway';
import { startGateway, type Gateway, type GatewayStats } from '#gateway/index.ts';
import { systemClock } from '#lib/clock.ts';
import { closeInheritedDescriptors } from '#lib/system/inherited-descriptors.ts';
import { createLineLog } from '#lib/telemetry/line-log.ts';
import type { Log } from '#lib/log.ts';
import { treeCpuMs } from '#lib/system/process-tree.ts';
import type { FromChild, ToChild } from '#supervisor/messages.ts';
import { openOutbound } from './control/open-outbound.ts';
import { gatewayNumber, openCapture, openInference, openRemoteInference } from './compose/gateway.ts';
import { servingDoors, servingRpcs } from './compose/serving.ts';
import { openServerIsolation } from './compose/isolation.ts';
import { childEnvironment, type ResolvedConfig } from './config-load.ts';
import type { FromGateway, ToGateway } from './control/gateway-link.ts';
import { openTracer } from './control/open-tracer.ts';
import { readTls, watchTls } from './control/tls-files.ts';
import { programVersion } from './version.ts';

/** The setup of a gateway process. */
export interface GatewaySetup {
  /** The part of the data folder with the snapshot and the models. */
  readonly folder: string;
  readonly config: ResolvedConfig;
}

/** When the supervisor died without a word, what runs still gets this long. */
const ORPHAN_DRAIN_MS = 5000;
const ORPHAN_EXIT_MS = 30_000;
/** From one word to the control process to the next. */
const REPORT_MS = 500;

function runGateway(): void {
  const send = (message: FromChild) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  const log = createLineLog({
    level: 'info',
    format: process.argv.includes('--log-text') ? 'text' : 'json',
    write: (line) => process.stdout.write(line),
    now: Date.now,
    version: programVersion(),
    role: 'gateway',
    pid: process.pid,
  });
  const startedAt = new Date().toISOString();
  let starting: Promise<Gateway> | undefined;
  /** What is closed after the gateway. */
  const ends: (() => Promise<void>)[] = [];
  let folder = '';
  let leaving = false;
  let renew = async () => {};
  /** Of remote models, by the key of the model. */
  let credentials: Readonly<Record<string, string>> = {};

  const start = async (setup: GatewaySetup) => {
    log.setLevel(setup.config.log.level);
    folder = setup.folder;
    starting = open(setup, { log, ends, credentialsOf: (key) => credentials[key] });
    try {
      const gateway = await starting;
      // Without a snapshot of an earlier start, the control process reports when the models are loaded.
      if (gateway.stats().revision < 0) gateway.setReady(false);
      renew = async () => {
        const files = await readTls(setup.config);
        if (files !== undefined) gateway.setTls(files);
      };
      watchTls(setup.config, log, (files) => gateway.setTls(files));
      // The persisted snapshot serves immediately: waiting connections need not wait for a newer one.
      send({ type: 'ready' });
      void publish(gateway);
      setInterval(() => {
        send({
          type: 'forward',
          to: 'control',
          body: { figures: figuresOf(gateway.stats(), startedAt) } satisfies FromGateway,
        });
      }, REPORT_MS).unref();
    } catch (error) {
      const reported =
        error instanceof DaisError ? error : new DaisError('internal', error instanceof Error ? error.message : '');
      log.error('the gateway could not start', { error });
      process.send?.({ type: 'failed', problem: toProblem(reported) } satisfies FromChild, undefined, undefined, () =>
        process.exit(1),
      );
    }
  };
  const publish = async (gateway: Gateway) => {
    try {
      const text = await readFile(join(folder, 'snapshot.json'), 'utf8');
      const { failed, revision } = await gateway.swap(JSON.parse(text) as Snapshot);
      for (const [key, reason] of failed) log.warn('a model could not be loaded', { key, reason, revision });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.error('the snapshot was not applied', { error });
    }
  };
  const drain = async (deadlineMs: number) => {
    if (leaving) return;
    leaving = true;
    await (await starting?.catch(() => undefined))?.drain({ noticeMs: 0, deadlineMs });
    await Promise.all(ends.map((end) => end()));
    process.exit(0);
  };
  const hear = async (message: ToChild, socket: Socket | undefined) => {
    switch (message.type) {
      case 'start':
        await start(message.setup as GatewaySetup);
        break;
      case 'connection':
        send({ type: 'took', id: message.id, ...(message.at !== undefined && { at: message.at }) });
        // Undefined if the peer disconnected before the connection arrived here.
        if (socket !== undefined) (await starting)?.accept(socket, message.at);
        break;
      case 'message': {
        const { published, ready, credentials: values } = message.body as ToGateway;
        if (values !== undefined) credentials = values;
        const gateway = await starting;
        if (gateway === undefined) break;
        gateway.recordContact();
        gateway.setReady(ready);
        if (published) await publish(gateway);
        break;
      }
      case 'reload':
        await renew();
        break;
      case 'notice':
        (await starting)?.giveNotice();
        break;
      case 'drain':
        await drain(message.deadlineMs);
        break;
    }
  };
  process.on('message', (message, socket) => {
    hear(message as ToChild, socket as Socket | undefined).catch((error: unknown) =>
      log.error('could not process a message of the supervisor', { error }),
    );
  });
  process.once('disconnect', () => {
    // After a Dais has ended, neither this process nor its model processes continue, even during a drain.
    setTimeout(() => process.exit(1), ORPHAN_EXIT_MS).unref();
    void drain(ORPHAN_DRAIN_MS);
  });
  // A Ctrl-C in the terminal reaches the whole process group: the supervisor starts the drain.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  send({ type: 'loaded' });
}

interface OpenDependencies {
  readonly log: Log;
  /** Called after the gateway is closed. */
  readonly ends: (() => Promise<void>)[];
  /** Returns the credentials of a remote model by its key. Undefined: the control process has not sent them yet. */
  readonly credentialsOf: (key: string) => string | undefined;
}

async function open(
  { folder, config }: GatewaySetup,
  { log, ends, credentialsOf }: OpenDependencies,
): Promise<Gateway> {
  const number = await gatewayNumber(config.data);
  const tls = await readTls(config);
  const outbound = await openOutbound(config.outbound, programVersion());
  const around = { environment: childEnvironment(), outbound, clock: systemClock };
  const isolation = await openServerIsolation(config, around);
  ends.push(() => isolation.close());
  return await startGateway({
    engines: [
      ...(await openInference({ clock: systemClock, log, isolation })),
      await openRemoteInference({
        clock: systemClock,
        log,
        outbound: async (ca) => await openOutbound(config.outbound, programVersion(), ca),
      }),
    ],
    doors: servingDoors(),
    rpcs: servingRpcs(),
    files: async ({ key, environment, remote }) =>
      await Promise.resolve({
        folder: join(folder, 'models', key),
        ...(environment !== undefined && { environment }),
        ...(remote !== undefined && { remote: { ...remote, credentials: () => credentialsOf(key) } }),
      }),
    capture: await openCapture(config.data, number, log),
    tracer: await openTracer({
      config,
      version: programVersion(),
      role: 'gateway',
      outbound: async () => await openOutbound(config.outbound, programVersion()),
      log,
    }),
    // The supervisor passes its connections, because its sockets outlive this process.
    listen: {
      allowHosts: config.allowHosts,
      host: config.host,
      ...(tls !== undefined && { tls }),
      ...(config.ports.inferenceGrpc !== undefined && { grpc: true }),
    },
    folder: join(folder, 'gateway'),
    number,
    version: programVersion(),
    clock: systemClock,
    log,
  });
}

function figuresOf({ revision, variants, models }: GatewayStats, startedAt: string): GatewayFigures {
  const cpuMs = treeCpuMs(process.pid);
  return {
    startedAt,
    revision,
    at: new Date().toISOString(),
    ...(cpuMs !== undefined && { cpuMs }),
    memoryBytes: process.memoryUsage.rss(),
    variants: variants.map(
      ({
        project,
        endpoint,
        variant,
        model,
        shadow,
        requests,
        failures,
        modelErrors,
        shed,
        latencyGrid,
        latencySeconds,
      }) => ({
        project,
        endpoint,
        variant,
        model,
        requests,
        // The client gets 400, because the request can be the cause; for the rollout, a version on which all requests
        // fail is failing.
        failed: failures + modelErrors,
        refused: shed,
        latency: [...latencyGrid],
        busyMs: latencySeconds * 1000,
        shadow,
      }),
    ),
    models: models.map((one) => ({
      key: one.key,
      state: one.state,
      ...(one.reason !== undefined && { error: one.reason }),
      ...(one.isAway && { away: true }),
      ...(one.phase !== undefined && { phase: one.phase }),
      ...(one.engine !== undefined && { engine: one.engine }),
      workers: one.concurrency,
      inFlight: one.waitingRows + one.running,
      memoryBytes: one.memoryBytes,
      cpuMs: one.cpuMs,
      ...(one.loadMs !== undefined && { loadMs: one.loadMs }),
    })),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  closeInheritedDescriptors();
  runGateway();
}
