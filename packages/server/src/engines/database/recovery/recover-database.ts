/** Recovers an embedded database from its archive, into a folder without one. */
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DaisError } from '@dais/api/errors';
import type { NamedObjects } from '#engines/blobs/contract.ts';
import { readTar } from '#lib/formats/tar.ts';
import type { ConnectionOptions } from '../contract.ts';
import { findBinaries } from '../embedded/binaries.ts';
import { adoptFiles, writeClusterFile } from '../embedded/cluster.ts';
import { acquireDataLock } from '../embedded/data-lock.ts';
import { logSize, logTail } from '../embedded/server-log.ts';
import { startServer, stopServer } from '../embedded/server-start.ts';
import { chooseServerUser, type ServerUser } from '../embedded/server-user.ts';
import { EMBEDDED_SETTINGS, type Settings } from '../embedded/settings.ts';
import { createSocketFolder, removeSocketFolder, socketBase } from '../embedded/socket-folder.ts';
import { baseFolder, parseSegment } from './archive-names.ts';
import { completeUntil, type ArchiveContents, type BaseBackup } from './archive-contents.ts';
import { RESTORE_COMMAND, WalSource } from './wal-source.ts';

export interface RecoverOptions {
  readonly store: NamedObjects;
  readonly archive: ArchiveContents;
  /** Recovers all transactions that were committed until then, in milliseconds. Undefined: everything that is archived. */
  readonly until: number | undefined;
  /** Folder of the cluster, as in `EmbeddedOptions`; it must not contain one. */
  readonly folder: string;
  readonly cacheFolder: string;
  readonly postgresBin?: string | undefined;
  /** Checks the base backup before anything is written. */
  readonly check: (base: BaseBackup) => Promise<void>;
  /** Runs on the recovered database, as the login of Dais. The database exists only if it succeeds. */
  readonly finish: (connection: ConnectionOptions) => Promise<void>;
  readonly progress: (phase: 'base backup' | 'write-ahead log', bytes: number, total: number | undefined) => void;
}

export interface RecoveredDatabase {
  readonly base: BaseBackup;
  /** Number of segments of the write-ahead log that were replayed. */
  readonly segments: number;
  /** When the last recovered transaction was committed, as PostgreSQL reports it. */
  readonly lastTransaction: string | undefined;
}

/**
 * Extracts the newest base backup before `until`, replays the write-ahead log on it, and runs `finish`. Every byte of the
 * archive is verified. The cluster gets its name when all of this succeeded, so that a failure leaves no database.
 * @throws DaisError `invalid_state`, `backup_invalid`, `data_version`, `storage_full`, `blobs_unavailable`.
 */
export async function recoverDatabase(options: RecoverOptions): Promise<RecoveredDatabase> {
  const { folder, archive, until, cacheFolder, postgresBin } = options;
  const base = chooseBase(archive, until);
  await options.check(base);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await acquireDataLock(folder);
  try {
    const cluster = path.join(folder, 'cluster');
    if ((await lstat(cluster).catch(() => undefined)) !== undefined) {
      throw new DaisError('invalid_state', `${cluster} exists already. Recover into a data folder without a database.`);
    }
    const self: ServerUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const user = await chooseServerUser(cluster, self);
    const binaries = await findBinaries({ postgresBin, cacheFolder, user });
    if (binaries.major !== base.major) {
      throw new DaisError(
        'data_version',
        `PostgreSQL ${base.major} wrote this archive, and this version of Dais includes PostgreSQL ${binaries.version}. ` +
          'Recover with the version of Dais that wrote it, or set `database.postgresBin`.',
      );
    }
    const partial = path.join(folder, 'cluster.recovering');
    await rm(partial, { recursive: true, force: true });
    try {
      await extractBase(options, base, partial);
      await adoptFiles(partial, user);
      await writeClusterFile(partial, 'recovery.signal', '', user);
      const replayed = await replay({ ...options, base, partial, user, binaries, self });
      await rename(partial, cluster);
      return { base, ...replayed };
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
  } finally {
    await lock.release();
  }
}

function chooseBase({ bases, wal }: ArchiveContents, until: number | undefined): BaseBackup {
  const [oldest] = bases;
  if (oldest === undefined) {
    throw new DaisError('backup_invalid', 'The archive contains no complete base backup.');
  }
  const base = bases.findLast(({ stoppedAt }) => until === undefined || Date.parse(stoppedAt) <= until);
  if (base === undefined) {
    throw new DaisError('backup_invalid', `The archive starts at ${oldest.stoppedAt}. Choose a later time.`);
  }
  if (completeUntil(base, wal) === undefined) {
    throw new DaisError(
      'backup_invalid',
      `The write-ahead log of the base backup of ${base.stoppedAt} is incomplete. Choose a time before it.`,
    );
  }
  for (const [file, objects] of wal) {
    if (objects.length > 1 && file >= base.firstSegment) {
      throw new DaisError(
        'backup_invalid',
        `The archive contains ${objects.length} different versions of ${file}: two copies of the database wrote to it. ` +
          `Remove the objects of the wrong copy: ${objects.map(({ object }) => object).join(', ')}.`,
      );
    }
  }
  return base;
}

async function extractBase({ store, archive, progress }: RecoverOptions, base: BaseBackup, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  let bytes = 0;
  async function* parts(): AsyncGenerator<Buffer> {
    for (const part of base.parts) {
      const object = `${baseFolder(archive.id, base.name)}${part.name}`;
      const stored = await store.get(object);
      if (createHash('sha256').update(stored).digest('hex') !== part.sha256) {
        throw new DaisError('backup_invalid', `The object ${object} of the archive was changed or is incomplete.`);
      }
      yield stored;
    }
  }
  const extract = async (source: AsyncIterable<Buffer>) => {
    for await (const { name, isFolder, size, content } of readTar(source)) {
      if (path.isAbsolute(name) || name.split('/').includes('..')) {
        throw new DaisError('backup_invalid', `The base backup ${base.name} contains the path ${name}.`);
      }
      const file = path.join(to, name);
      if (isFolder) await mkdir(file, { mode: 0o700 });
      else await writeFile(file, content, { flag: 'wx', mode: 0o600 });
      bytes += size;
      progress('base backup', bytes, base.bytes);
    }
  };
  await pipeline(Readable.from(parts(), { objectMode: false }), createGunzip(), extract);
  await chmod(to, 0o700);
}

interface Replay extends RecoverOptions {
  readonly base: BaseBackup;
  readonly partial: string;
  readonly user: ServerUser | undefined;
  readonly self: ServerUser;
  readonly binaries: Awaited<ReturnType<typeof findBinaries>>;
}

async function replay(options: Replay): Promise<Pick<RecoveredDatabase, 'segments' | 'lastTransaction'>> {
  const { store, archive, until, base, partial, user, self, binaries, folder, progress } = options;
  const logFile = path.join(folder, 'postgres.log');
  const from = await logSize(logFile);
  let segments = 0;
  const source = new WalSource({
    store,
    wal: archive.wal,
    segmentBytes: base.segmentBytes,
    cluster: partial,
    user,
    served: (file) => {
      if (parseSegment(file, base.segmentBytes) === undefined) return;
      segments += 1;
      progress('write-ahead log', segments * base.segmentBytes, undefined);
    },
  });
  await source.start();
  let server: Awaited<ReturnType<typeof startServer>> | undefined;
  try {
    server = await startServer({
      binaries,
      cluster: partial,
      user,
      socketFolder: await createSocketFolder(await socketBase(self), partial, user, self),
      settings: recoverySettings(until),
      logFile,
      // As long as there is log to replay.
      timeoutMs: Number.POSITIVE_INFINITY,
      report: () => {},
    });
    await source.stop();
    const log = await logTail(logFile, from);
    await options.finish({ host: server.host, port: server.port, user: 'dais', database: 'dais' });
    return { segments, lastTransaction: lastTransaction(log) };
  } catch (error) {
    // What could not be fetched is the reason.
    await source.stop();
    throw explain(error, await logTail(logFile, from), { until, archive, base });
  } finally {
    if (server !== undefined) {
      await stopServer(server);
      await removeSocketFolder(server.host);
    }
  }
}

/** The server accepts connections only when the recovery is complete. */
function recoverySettings(until: number | undefined): Settings {
  return {
    ...EMBEDDED_SETTINGS,
    wal_level: 'replica',
    hot_standby: false,
    restore_command: RESTORE_COMMAND,
    recovery_target_action: 'promote',
    // A numeric zone: abbreviations such as Z are not known yet when the server reads its configuration.
    ...(until !== undefined && {
      recovery_target_time: new Date(until).toISOString().replace('T', ' ').replace('Z', '+00'),
    }),
  };
}

function lastTransaction(log: string): string | undefined {
  const times = [...log.matchAll(/last completed transaction was at log time (.+)/g)];
  return times.at(-1)?.[1];
}

function explain(
  error: unknown,
  log: string,
  {
    until,
    archive,
    base,
  }: { readonly until: number | undefined; readonly archive: ArchiveContents; readonly base: BaseBackup },
): unknown {
  if (!log.includes('recovery ended before configured recovery target was reached')) return error;
  const last = completeUntil(base, archive.wal);
  const gap = [...archive.wal.keys()].some((file) => last !== undefined && file > last && file.length === last.length);
  const time = lastTransaction(log);
  return new DaisError(
    'backup_invalid',
    `The archive ${gap ? 'has a gap' : 'ends'} before ${new Date(until ?? 0).toISOString()}: ` +
      `the last transaction that can be recovered was committed at ${time ?? 'an unknown time'}. ` +
      (gap ? 'Choose an earlier time.' : 'Choose an earlier time, or omit the time to recover everything.'),
    { cause: error },
  );
}
