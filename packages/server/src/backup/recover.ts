/** `dais admin recover`: the embedded database as of a moment, from its archive, into a data folder without one. */
import { DaisError } from '@dais/api/errors';
import type { BlobStore, NamedObjects } from '#engines/blobs/contract.ts';
import type { ConnectionOptions } from '#engines/database/contract.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { loadKinds, loadSlices } from '#compose.ts';
import {
  divergeCopy,
  migrate,
  openDatabase,
  readArchive,
  recoverDatabase,
  type ArchiveContents,
} from '#compose/database.ts';
import { openArchiveStore, openBlobs, openKeys } from '#compose/open-stores.ts';
import { childEnvironment, loadConfig, type ResolvedConfig } from '#config-load.ts';
import { openOutbound } from '#control/open-outbound.ts';
import { refuseArchiveOfExternal } from '#control/config-safety.ts';
import { hasCluster, postgresLocation } from '#installation/postgres-location.ts';
import { refuseRunningServer } from '#installation/installation.ts';
import { programVersion } from '#version.ts';
import type { AdminOptions } from '#admin.ts';
import { referencedBlobs } from './backup-content.ts';
import type { AdminProgress } from './backup.ts';
import { requireKeys } from './restore.ts';

/** The archive of one installation, for the choice of a moment. */
export interface ArchiveSummary {
  readonly installation: string;
  /** RFC 3339. A recovery is possible from the end of the first base backup on; undefined without one. */
  readonly from: string | undefined;
  /** RFC 3339: when the newest part of the write-ahead log was stored. */
  readonly to: string | undefined;
  readonly baseBackups: number;
  /** Stored size of the base backups. */
  readonly baseBytes: number;
}

export interface RecoverySummary {
  readonly installation: string;
  readonly baseBackup: string;
  /** Replayed segments of the write-ahead log. */
  readonly segments: number;
  /** When the last recovered transaction was committed, as PostgreSQL reports it. */
  readonly lastTransaction: string | undefined;
  /** Referenced objects, and how many of them the configured blob store does not contain. */
  readonly content: { readonly objects: number; readonly missing: number };
}

export interface RecoveryOptions extends AdminOptions {
  /** Milliseconds since the Unix epoch. Default: everything that is archived. */
  readonly until?: number | undefined;
  /** Which archive of the store; default: the only one. */
  readonly installation?: string | undefined;
}

/** Lists the archives in the configured store. @throws DaisError `invalid_config`, `blobs_unavailable`. */
export async function listArchives(options: AdminOptions): Promise<readonly ArchiveSummary[]> {
  const config = await loadConfig(options);
  return await withStores(config, async ({ store }) =>
    [...(await readArchive(store)).values()].map(({ id, bases, wal }) => ({
      installation: id,
      from: bases[0]?.stoppedAt,
      to: newest([...wal.values()].flat().map(({ storedAt }) => storedAt.toISOString())),
      baseBackups: bases.length,
      baseBytes: bases.flatMap(({ parts }) => parts).reduce((sum, { bytes }) => sum + bytes, 0),
    })),
  );
}

/**
 * Recovers into the data folder of the configuration, which must not contain a database. The result is an installation of its
 * own: sessions end, watches start again, and it deletes no content while the blob store belongs to the original.
 * @throws DaisError `invalid_config`, `data_locked`, `invalid_state`, `key_missing`, `backup_invalid`, and the errors of the
 *   engines.
 */
export async function recoverInstallation(options: RecoveryOptions): Promise<RecoverySummary> {
  const config = await loadConfig(options);
  const { until, progress = () => {} } = options;
  refuseArchiveOfExternal(config);
  await refuseRunningServer(config);
  if (await hasCluster(config)) {
    throw new DaisError(
      'invalid_state',
      `${config.data} contains a database already. Choose a new data folder with --data, or move \`postgres\` away.`,
    );
  }
  return await withStores(config, async ({ store, keys, kinds, blobs }) => {
    const archive = chooseArchive(await readArchive(store), options.installation);
    const slices = await loadSlices(kinds);
    let content = { objects: 0, missing: 0 };
    const recovered = await recoverDatabase({
      ...postgresLocation(config),
      store,
      archive,
      until,
      check: async (base) => await requireKeys(base, keys),
      progress: (phase, bytes, total) => progress(phase, bytes, total, 'bytes'),
      finish: async (connection) => {
        await migrate(connection, slices, programVersion(), {});
        await divergeCopy(connection, slices);
        content = await checkContent(connection, await blobs(), progress);
      },
    });
    return {
      installation: archive.id,
      baseBackup: recovered.base.stoppedAt,
      segments: recovered.segments,
      lastTransaction: recovered.lastTransaction,
      content,
    };
  });
}

function chooseArchive(archives: ReadonlyMap<string, ArchiveContents>, named: string | undefined): ArchiveContents {
  const all = [...archives.values()];
  const found = named === undefined ? (all.length === 1 ? all[0] : undefined) : archives.get(named);
  if (found !== undefined) return found;
  const ids = all.map(({ id }) => id).join(', ');
  if (all.length === 0) throw new DaisError('backup_invalid', 'The archive of `database.archive` is empty.');
  throw new DaisError(
    'invalid_request',
    named === undefined
      ? `The archive contains several installations: ${ids}. Choose one with --installation.`
      : `The archive contains no installation ${named}. It contains: ${ids}.`,
  );
}

const CHECKED_AT_ONCE = 16;

/** Counts the referenced objects that the store does not contain. */
async function checkContent(
  connection: ConnectionOptions,
  blobs: BlobStore,
  progress: AdminProgress,
): Promise<RecoverySummary['content']> {
  const database = await openDatabase(connection, { applicationName: 'dais recover' });
  let [objects, missing, bytes] = [0, 0, 0];
  const checkAll = async (locators: readonly string[]) => {
    const found = await Promise.all(locators.map(async (locator) => await blobs.stat(locator)));
    missing += found.filter((stat) => stat === undefined).length;
  };
  try {
    let waiting: string[] = [];
    for await (const blob of referencedBlobs(database)) {
      if (!blob.referred) continue;
      objects += 1;
      bytes += blob.size;
      waiting.push(blob.locator);
      if (waiting.length < CHECKED_AT_ONCE) continue;
      await checkAll(waiting);
      waiting = [];
      progress('content', bytes, undefined, 'bytes');
    }
    await checkAll(waiting);
    return { objects, missing };
  } finally {
    await database.close();
  }
}

interface Stores {
  readonly store: NamedObjects;
  readonly keys: Awaited<ReturnType<typeof openKeys>>;
  readonly kinds: Awaited<ReturnType<typeof loadKinds>>['kinds'];
  readonly blobs: () => Promise<BlobStore>;
}

async function withStores<T>(config: ResolvedConfig, work: (stores: Stores) => Promise<T>): Promise<T> {
  const { archive } = config.database;
  if (archive === undefined) {
    throw new DaisError(
      'invalid_config',
      'The configuration has no `database.archive`. Name the file of the server with --config.',
      {
        issues: [{ path: 'database.archive', message: 'is missing' }],
      },
    );
  }
  const outbound = await openOutbound(config.outbound, programVersion());
  const around = {
    dataFolder: config.data,
    clock: systemClock,
    log: silentLog,
    environment: childEnvironment(),
    outbound,
  };
  const keys = await openKeys(config.keys, around);
  const store = await openArchiveStore(archive.store, around);
  let opened: BlobStore | undefined;
  try {
    const { kinds } = await loadKinds({ keys, outbound, clock: systemClock });
    const blobs = async () => (opened ??= await openBlobs(config.blobs, around));
    return await work({ store, keys, kinds, blobs });
  } finally {
    await opened?.close();
    await store.close();
    await keys.close();
    await outbound.close();
  }
}

function newest(times: readonly string[]): string | undefined {
  return times.toSorted().at(-1);
}
