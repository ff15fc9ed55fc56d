/** `dais up`: from a configuration to a running process tree, and back. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeWork } from '@dais/api/config';
import { DaisError } from '@dais/api/errors';
import type { RunningDatabase } from '#engines/database/contract.ts';
import { writeRawProblem } from '#http/server/problem-replies.ts';
import { systemClock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import { createLineLog } from '#lib/telemetry/line-log.ts';
import { findOnPath } from '#lib/system/find-on-path.ts';
import { closeInheritedDescriptors } from '#lib/system/inherited-descriptors.ts';
import { withSocketDiagnosis } from '#lib/system/socket-diagnosis.ts';
import { ownProgram, programUrl, start, type ChildProcess } from '#lib/process.ts';
import { ownerToken, refuseSecondServer, removeServerFile, writeServerFile } from '#supervisor/server-file.ts';
import { startScreen } from '#supervisor/start-screen.ts';
import { supervise, type FurtherSocket, type Supervised } from '#supervisor/supervise.ts';
import type { Helper } from '#supervisor/helper-process.ts';
import { databaseEngines } from './compose.ts';
import { childEnvironment, loadConfig, type ConfigFlags, type ResolvedConfig } from './config-load.ts';
import type { ControlSetup } from './control/control-setup.ts';
import type { GatewaySetup } from './gateway-process.ts';
import { explainFileError, prepareDataFolder } from './installation/data-folder.ts';
import {
  refuseArchiveOfExternal,
  refuseRoleWithoutDatabase,
  refuseSharedFolder,
  refuseUnsafeBind,
} from './control/config-safety.ts';
import { postgresLocation } from './installation/postgres-location.ts';
import { grpcAddress, localUrl, publicUrl } from './control/server-url.ts';
import { programVersion } from './version.ts';

/** The exit code of shells for a program that SIGINT ended: 128 + 2. */
const EXIT_INTERRUPTED = 130;
/** For the last collection of predictions, and to close what the control process has opened. The Helm chart adds it to the grace period of pods. */
const LAST_WORK_MS = 20_000;

export interface UpOptions {
  /** The configuration file; default `DAIS_CONFIG`. */
  readonly file?: string | undefined;
  /** Values by path below `spec`, as given on the command line: `{ port: 8080, 'database.url': '…' }`. */
  readonly flags: ConfigFlags;
  /** Data and keys are in a temporary folder that is removed at the end. */
  readonly ephemeral?: boolean;
  /** Where logs and the start screen go. */
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Whether colors may be used on `stdout`. */
  readonly color: boolean;
  /** Refuses answers of operations that do not fit their output schema; for tests. */
  readonly checkOutputs?: boolean;
  /** This process does nothing else: it closes descriptors that it inherited, so that no child process gets them. */
  readonly ownsProcess?: boolean;
}

export interface RunningDais {
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** `host:port` of the services with gRPC; undefined: there are none. */
  readonly grpc: string | undefined;
  /** Absolute path of the file with the owner token. */
  readonly tokenFile: string;
  readonly data: string;
  /** Process id of the control process, as last started. */
  readonly controlPid: number | undefined;
  /** Of the gateway, once there is an Endpoint. */
  readonly gatewayPid: number | undefined;
  /** Reloads the configuration and applies what can change: certificates and the log level. Logs errors. */
  reload(): Promise<void>;
  /** Drains and ends everything. Idempotent. */
  stop(): Promise<void>;
  /** Like `stop`, without waiting for requests that run. */
  force(): Promise<void>;
}

/**
 * Starts Dais; resolves when it answers. Installs no signal handlers and never ends this process.
 * @throws DaisError `invalid_config`, `unsafe_bind`, `data_locked`, `data_version`, `database_setup`,
 *   `database_unavailable`, `storage_full`, `address_in_use`; `internal` when the control process cannot start.
 */
export async function startDais(options: UpOptions): Promise<RunningDais> {
  const temporary = options.ephemeral === true ? await mkdtemp(join(tmpdir(), 'dais-')) : undefined;
  try {
    const flags =
      temporary === undefined
        ? options.flags
        : {
            ...options.flags,
            data: join(temporary, 'data'),
            'keys.type': 'file',
            'keys.folder': join(temporary, 'keys'),
          };
    const running = await startTree({ ...options, flags });
    const end = async (stop: () => Promise<void>) => {
      await stop();
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    };
    return {
      url: running.url,
      grpc: running.grpc,
      tokenFile: running.tokenFile,
      data: running.data,
      get controlPid() {
        return running.controlPid;
      },
      get gatewayPid() {
        return running.gatewayPid;
      },
      reload: () => running.reload(),
      stop: () => end(() => running.stop()),
      force: () => end(() => running.force()),
    };
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Runs Dais until a signal ends it: SIGTERM or SIGINT drain, a second SIGINT does not wait, SIGHUP reloads. Resolves to
 * the exit code. @throws as `startDais`.
 */
export async function up(options: UpOptions): Promise<number> {
  let signals = 0;
  // A signal during the start stops Dais after the start; a second signal ends the process.
  let follow = () => {
    if (signals > 1) process.exit(EXIT_INTERRUPTED);
  };
  const hear = () => {
    signals++;
    follow();
  };
  process.on('SIGTERM', hear);
  process.on('SIGINT', hear);
  const running = await startDais({ ...options, ownsProcess: true });
  return await new Promise<number>((resolve, reject) => {
    follow = () => {
      const end = signals > 1 ? running.force() : running.stop();
      end.then(() => resolve(0), reject);
    };
    process.on('SIGHUP', () => void running.reload());
    if (signals > 0) follow();
  });
}

async function startTree(options: UpOptions): Promise<RunningDais> {
  const config = await loadConfig(options);
  // Not before: the configuration file can be such a descriptor (`--config <(…)` of a shell).
  if (options.ownsProcess === true) closeInheritedDescriptors();
  refuseUnsafeBind(config);
  refuseSharedFolder(config);
  refuseArchiveOfExternal(config);
  refuseRoleWithoutDatabase(config);
  await prepareDataFolder(config.data);
  await refuseSecondServer(config.data);
  try {
    return await startOn(config, options);
  } catch (error) {
    throw explainFileError(error, config.data);
  }
}

async function startOn(config: ResolvedConfig, options: UpOptions): Promise<RunningDais> {
  const startedAt = Date.now();
  const version = programVersion();
  const { file: tokenFile, token } = await ownerToken(config.data);
  const format = config.log.format ?? (options.stdout.isTTY === true ? 'text' : 'json');
  const log = createLineLog({
    level: config.log.level,
    format,
    write: (line) => options.stdout.write(line),
    now: Date.now,
    version,
    role: 'supervisor',
    pid: process.pid,
  });
  const phases: { name: string; ms: number }[] = [];
  let current = config;
  const setup = (database: RunningDatabase, port: number): ControlSetup => ({
    config: current,
    connection: database.connection,
    database: { engine: config.database.url === undefined ? 'embedded' : 'postgres', version: majorMinor(database) },
    port,
    ownerToken: token,
    version,
    startedAt: new Date(startedAt).toISOString(),
    checkOutputs: options.checkOutputs ?? false,
  });
  const tree = await supervise<RunningDatabase>({
    host: config.host,
    port: config.port,
    further: furtherSockets(config),
    helpers: helpers(config, format),
    startService: async () => await (await databaseEngine(config)).start(),
    spawnChild: () => spawnProgram('main', format, { ownersOfSockets: config.authentication.mode === 'solo' }),
    setup,
    heldConnections: config.limits.heldConnections,
    refuse: (socket) => refuse(socket, config.tls !== undefined),
    noticeMs: config.limits.drainNoticeSeconds * 1000,
    drainMs: config.limits.drainSeconds * 1000,
    lastWorkMs: LAST_WORK_MS,
    clock: systemClock,
    log,
    output: (chunk) => options.stdout.write(chunk),
    onPhase: (name, ms) => phases.push({ name, ms }),
  });
  const url = publicUrl(config, tree.port);
  await writeServerFile(config.data, {
    url: localUrl(config, tree.port),
    tokenFile,
    startedAt: new Date(startedAt).toISOString(),
    version,
    // The embedded server accepts every local user of its socket; the password of an external server must not be in a
    // file.
    ...(config.database.url === undefined && { database: tree.service.connection }),
  });
  const readyMs = Date.now() - startedAt;
  const preferredPort = config.port === undefined && tree.port !== 7070 ? 7070 : undefined;
  const grpc = tree.further['grpc'] === undefined ? undefined : grpcAddress(config, tree.further['grpc']);
  const database = `PostgreSQL ${majorMinor(tree.service)}, ${config.database.url === undefined ? 'managed by Dais' : 'external'}`;
  if (format === 'text') {
    options.stdout.write(
      startScreen({
        version,
        url,
        grpc,
        preferredPort,
        data: config.data,
        isTemporary: options.ephemeral === true,
        database,
        readyMs,
        phases,
        color: options.color,
      }),
    );
  } else {
    log.info('ready', {
      url,
      ...(grpc !== undefined && { grpc }),
      data: config.data,
      readyMs,
      phases,
      ...(preferredPort !== undefined && { preferredPort }),
    });
  }
  return handle({ url: localUrl(config, tree.port), grpc, tokenFile, config, tree }, async () => {
    try {
      current = { ...(await loadConfig(options)), data: config.data };
    } catch (error) {
      log.error('could not reload the configuration; the previous configuration stays active', { error });
      return;
    }
    log.setLevel(current.log.level);
    tree.reload();
    log.info('the configuration was reloaded');
  });
}

/** gRPC is part of the API. */
function furtherSockets({ role, port, ports }: ResolvedConfig): readonly FurtherSocket[] {
  if (!nodeWork[role].api) return [];
  // With any free port for one, the other has no fixed port either.
  const grpc = ports.grpc ?? (port === 0 ? 0 : undefined);
  return [{ name: 'grpc', port: grpc, first: 7072, refuse: (socket) => socket.destroy() }];
}

/** The gateway starts with the first Endpoint: without one, it costs nothing. */
function helpers(config: ResolvedConfig, format: 'json' | 'text'): readonly Helper[] {
  if (!nodeWork[config.role].gateway) return [];
  return [
    {
      name: 'gateway',
      spawn: () => spawnProgram('gateway-process', format),
      setup: () => ({ folder: join(config.data, 'serving'), config }) satisfies GatewaySetup,
      host: config.host,
      port: config.ports.inference ?? (config.port === 0 ? 0 : undefined),
      first: 7071,
      refuse: (socket) => refuse(socket, config.tls !== undefined),
      ...(config.ports.inferenceGrpc !== undefined && {
        further: {
          grpc: { port: config.ports.inferenceGrpc, first: 7073, refuse: (socket: Socket) => socket.destroy() },
        },
      }),
    },
  ];
}

interface TreeFacts {
  readonly url: string;
  readonly grpc: string | undefined;
  readonly tokenFile: string;
  readonly config: ResolvedConfig;
  readonly tree: Supervised<RunningDatabase>;
}

function handle({ url, grpc, tokenFile, config, tree }: TreeFacts, reload: () => Promise<void>): RunningDais {
  const stop = async () => {
    await tree.stop();
    await removeServerFile(config.data);
  };
  return {
    url,
    grpc,
    tokenFile,
    data: config.data,
    get controlPid() {
      return tree.childPid;
    },
    get gatewayPid() {
      return tree.helperPid('gateway');
    },
    reload,
    stop,
    force: async () => {
      tree.force();
      await stop();
    },
  };
}

async function databaseEngine(config: ResolvedConfig) {
  const { url } = config.database;
  if (url !== undefined) return await databaseEngines.postgres({ url });
  return await databaseEngines.embedded(postgresLocation(config));
}

/** In development the sources run as they are, through tsx; in the published package there is nothing but JavaScript. */
function spawnProgram(
  name: 'main' | 'gateway-process',
  format: 'json' | 'text',
  { ownersOfSockets = false }: { readonly ownersOfSockets?: boolean } = {},
): ChildProcess {
  const program = ownProgram(programUrl(import.meta.url, `./${name}`));
  const command = [process.execPath, ...program, ...(format === 'text' ? ['--log-text'] : [])] as const;
  const environment = childEnvironment();
  const perl = ownersOfSockets ? findOnPath('perl', environment['PATH']) : undefined;
  const [file, ...args] = perl === undefined ? command : withSocketDiagnosis(perl, command);
  return start(file, args, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

function refuse(socket: Socket, tls: boolean): void {
  // Without its key, no response to a TLS client is possible.
  if (tls) socket.destroy();
  else
    writeRawProblem(
      socket,
      new DaisError('overloaded', 'Too many connections are waiting.', { retryAfter: 2 }),
      uuidv7(),
    );
}

/** 170008 → `17.8`. */
function majorMinor({ serverVersion }: RunningDatabase): string {
  return `${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
}
