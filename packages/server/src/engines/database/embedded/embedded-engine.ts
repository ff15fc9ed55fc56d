import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';
import type { ConnectionOptions, DatabaseEngine, RunningDatabase } from '../contract.ts';
import { archiveSettings, hasArchiveSlot } from './archive-slot.ts';
import { findBinaries, type Binaries } from './binaries.ts';
import { adoptFiles, createCluster, readClusterMajor } from './cluster.ts';
import { acquireDataLock, type DataLock } from './data-lock.ts';
import { setUpDatabase } from './database-setup.ts';
import { truncateLog, logTail } from './server-log.ts';
import { findLiveServer, startServer, stopServer, type StartedServer } from './server-start.ts';
import { chooseServerUser, type ServerUser } from './server-user.ts';
import { EMBEDDED_SETTINGS, type Settings } from './settings.ts';
import { createSocketFolder, removeSocketFolder, socketBase } from './socket-folder.ts';

export interface EmbeddedOptions {
  /** Contains the cluster, the lock and the log; created when missing. */
  readonly folder: string;
  /** Folder for a copy of PostgreSQL when it cannot run from node_modules. */
  readonly cacheFolder: string;
  /** `postgres` and `initdb` of another installation. */
  readonly postgresBin?: string;
  /** Parent of the socket folder; default `/run/dais` for root, the temporary folder otherwise. */
  readonly socketBase?: string;
  /** The user that root runs the server as; default nobody (65534). */
  readonly user?: ServerUser;
  /** Added to postgresql.conf. */
  readonly settings?: Settings;
  /** The log is archived: at most so much of it, in MiB, waits for the archive. */
  readonly archive?: { readonly pendingMb: number };
  /** Time limit until a server accepts connections, including recovery after a crash. Default 10 min. */
  readonly startTimeoutMs?: number;
  /** Receives slow phases: creating the cluster, waiting for a lock or for recovery. */
  readonly report?: (step: string) => void;
}

const START_TIMEOUT_MS = 600_000;
const SLOT_WITHOUT_ARCHIVE_MB = 1024;
/** Interval of the lock heartbeat (see data-lock.ts) and of checks of the log size. */
const MAINTENANCE_MS = 5_000;

/**
 * Runs PostgreSQL on a Unix socket in `folder`, as the user of this process, or as nobody when that is root. The server ends
 * with this process, even after a crash.
 */
export function embeddedEngine(options: EmbeddedOptions): DatabaseEngine {
  return new EmbeddedEngine(options);
}

class EmbeddedEngine implements DatabaseEngine {
  readonly #options: EmbeddedOptions;
  readonly #report: (step: string) => void;
  #running: Promise<RunningServer> | undefined;

  constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.#report = options.report ?? (() => {});
  }

  async start(): Promise<RunningDatabase> {
    if (this.#running === undefined) {
      const starting = this.#start();
      this.#running = starting;
      const forget = (): void => {
        if (this.#running === starting) this.#running = undefined;
      };
      starting.then((server) => server.ended.then(forget), forget);
    }
    return await this.#running;
  }

  async #start(): Promise<RunningServer> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = await acquireDataLock(folder, { report: this.#report });
    try {
      return await this.#startLocked(lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async #startLocked(lock: DataLock): Promise<RunningServer> {
    const { folder } = this.#options;
    const cluster = path.join(folder, 'cluster');
    const logFile = path.join(folder, 'postgres.log');
    const self: ServerUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const user = await chooseServerUser(cluster, self, this.#options.user);
    const binaries = await this.#prepareCluster(cluster, user);
    const base = this.#options.socketBase ?? (await socketBase(self));
    const server =
      (await findLiveServer(cluster, this.#report)) ??
      (await startServer({
        binaries,
        cluster,
        user,
        logFile,
        report: this.#report,
        socketFolder: await createSocketFolder(base, cluster, user, self),
        settings: { ...EMBEDDED_SETTINGS, ...(await this.#archiveSettings(cluster)), ...this.#options.settings },
        timeoutMs: this.#options.startTimeoutMs ?? START_TIMEOUT_MS,
      }));
    try {
      return await setUp(server, lock, logFile);
    } catch (error) {
      await stopServer(server);
      await removeSocketFolder(server.host);
      throw error;
    }
  }

  async #archiveSettings(cluster: string): Promise<Settings> {
    const { archive } = this.#options;
    if (archive !== undefined) return archiveSettings(archive.pendingMb);
    // Of an archive that was configured before; the control process removes the slot.
    return (await hasArchiveSlot(cluster)) ? archiveSettings(SLOT_WITHOUT_ARCHIVE_MB) : {};
  }

  async #prepareCluster(cluster: string, user: ServerUser | undefined): Promise<Binaries> {
    const { postgresBin, cacheFolder } = this.#options;
    const binaries = await findBinaries({ postgresBin, cacheFolder, user });
    const major = await readClusterMajor(cluster);
    if (major === undefined) {
      this.#report(`Creating the database in ${cluster}`);
      await createCluster(binaries, cluster, user);
    } else if (major === binaries.major) {
      await adoptFiles(cluster, user);
    } else {
      throw wrongMajor(cluster, major, binaries);
    }
    return binaries;
  }
}

async function setUp(server: StartedServer, lock: DataLock, logFile: string): Promise<RunningServer> {
  const connection: ConnectionOptions = { host: server.host, port: server.port, user: 'dais', database: 'dais' };
  const serverVersion = await setUpDatabase(connection);
  return new RunningServer({ server, connection, serverVersion, lock, logFile });
}

interface RunningServerOptions {
  readonly server: StartedServer;
  readonly connection: ConnectionOptions;
  readonly serverVersion: number;
  readonly lock: DataLock;
  readonly logFile: string;
}

class RunningServer implements RunningDatabase {
  readonly connection: ConnectionOptions;
  readonly serverVersion: number;
  readonly ended: Promise<{ readonly wasRequested: boolean; readonly detail: string }>;
  readonly #options: RunningServerOptions;
  #isRequested = false;

  constructor(options: RunningServerOptions) {
    this.#options = options;
    this.connection = options.connection;
    this.serverVersion = options.serverVersion;
    const maintenance = setInterval(() => {
      void options.lock.touch();
      // A full disk: the log is unchanged until there is space.
      truncateLog(options.logFile).catch(() => {});
    }, MAINTENANCE_MS);
    maintenance.unref();
    this.ended = this.#untilEnded(maintenance);
  }

  async stop(): Promise<void> {
    this.#isRequested = true;
    await stopServer(this.#options.server);
    await this.ended;
  }

  async #untilEnded(maintenance: NodeJS.Timeout): Promise<{ wasRequested: boolean; detail: string }> {
    const how = await this.#options.server.process.ended;
    clearInterval(maintenance);
    await removeSocketFolder(this.connection.host);
    await this.#options.lock.release();
    const detail = this.#isRequested ? how : `${how}; its log ends with:\n${await logTail(this.#options.logFile, 0)}`;
    return { wasRequested: this.#isRequested, detail };
  }
}

function wrongMajor(cluster: string, major: number, binaries: Binaries): DaisError {
  return new DaisError(
    'data_version',
    `PostgreSQL ${major} wrote the data in ${cluster}, and this version of Dais includes PostgreSQL ${binaries.version}. ` +
      `Start the version of Dais that wrote it (or this one with PostgreSQL ${major} and --postgres-bin) and run ` +
      '`dais admin export FILE`. Then move the folder away, start this version and run `dais admin import FILE`.',
  );
}
