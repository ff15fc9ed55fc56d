/** The archive of the embedded database in a control process: its work, its readiness check and its metrics. */
import { join } from 'node:path';
import type { Database } from '#engines/database/contract.ts';
import type { ReadinessCheck } from '#http/metrics/probe-routes.ts';
import { metricDefinitions } from '#http/metrics/metric-definitions.ts';
import type { MetricSources } from '#http/metrics/metrics.ts';
import { readCursor } from '#kernel/events.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { endArchive, openArchiver, type ArchiverState } from '#compose/database.ts';
import { openArchiveStore } from '#compose/open-stores.ts';
import { postgresLocation } from '#installation/postgres-location.ts';
import type { ControlSetup } from './control-setup.ts';
import type { ControlEngines } from './open-engines.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** An archive that is behind by more than so many intervals is late. */
const LATE_INTERVALS = 3;

/** What the process asks of an archive. */
export interface DatabaseArchive {
  readonly readiness: () => readonly ReadinessCheck[];
  readonly metrics: MetricSources['ledgers'][number];
  readonly stop: () => Promise<void>;
}

const NONE: DatabaseArchive = {
  readiness: () => [],
  metrics: async () => await Promise.resolve([]),
  stop: async () => {},
};

/** Starts to archive an embedded database, or ends an archive that is no longer configured. */
export async function openDatabaseArchive(
  { config, connection, database: { engine }, version }: ControlSetup,
  { around, clock, keys }: Pick<ControlEngines, 'around' | 'clock' | 'keys'>,
  { database, log }: { readonly database: Database; readonly log: Log },
): Promise<DatabaseArchive> {
  const { archive } = config.database;
  if (engine !== 'embedded') return NONE;
  const cluster = join(postgresLocation(config).folder, 'cluster');
  if (archive === undefined) {
    if (await endArchive(connection, cluster)) log.warn('the archive of the database is no longer configured and ends');
    return NONE;
  }
  const { epoch } = await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    return await readCursor(sql);
  });
  const store = await openArchiveStore(archive.store, around);
  const archiver = await openArchiver({
    connection,
    cluster,
    store,
    id: epoch,
    everyMs: archive.everySeconds * 1000,
    windowMs: archive.days * DAY_MS,
    baseMs: archive.baseHours * HOUR_MS,
    programVersion: version,
    keys: async () => await keys.list(),
    clock,
    log,
  });
  archiver.start();
  const labels = { store: archive.store.type };
  return {
    readiness: () => [archiveCheck(archiver.state(), archive.everySeconds * 1000, clock)],
    metrics: async () => await Promise.resolve(archiveSamples(archiver.state(), labels, clock)),
    stop: async () => {
      await archiver.stop();
      await store.close();
    },
  };
}

/** Never fails: without the archive, Dais serves requests and loses nothing. */
function archiveCheck(state: ArchiverState, everyMs: number, clock: Clock): ReadinessCheck {
  const { coveredUntil, lastBaseAt, error, pendingBytes, startedAt } = state;
  const age = clock.now() - (coveredUntil ?? startedAt);
  const covered =
    coveredUntil === undefined
      ? 'nothing was archived since the start'
      : `changes until ${new Date(coveredUntil).toISOString()} are archived`;
  const base = lastBaseAt === undefined ? 'no base backup yet' : `base backup of ${new Date(lastBaseAt).toISOString()}`;
  const isLate = age > LATE_INTERVALS * everyMs;
  if (error === undefined && !isLate) return { name: 'archive', ok: true, detail: `${covered}; ${base}` };
  const pending = pendingBytes === 0 ? '' : `; ${Math.ceil(pendingBytes / 2 ** 20)} MiB wait`;
  const reason = error === undefined ? '' : `: ${error}`;
  return {
    name: 'archive',
    ok: true,
    detail: `${covered}; ${base}${pending}${reason}`,
    remedy:
      'Correct the store in `database.archive`. Until then, changes after this time exist on this machine only; Dais repeats the upload.',
  };
}

function archiveSamples(
  { coveredUntil, lastBaseAt, pendingBytes, startedAt }: ArchiverState,
  labels: { readonly store: string },
  clock: Clock,
): Awaited<ReturnType<MetricSources['ledgers'][number]>> {
  const seconds = (since: number) => (clock.now() - since) / 1000;
  return [
    { gauge: metricDefinitions.archiveAge.name, value: seconds(coveredUntil ?? startedAt), labels },
    { gauge: metricDefinitions.archivePending.name, value: pendingBytes, labels },
    ...(lastBaseAt === undefined
      ? []
      : [{ gauge: metricDefinitions.archiveBaseAge.name, value: seconds(lastBaseAt), labels }]),
  ];
}
