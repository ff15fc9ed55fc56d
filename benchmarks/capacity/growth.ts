/** What a Dais stores: bytes and rows by table, and bytes by folder, and what limits the growth of each. */
import { lstatSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../packages/server/src/engines/database/database.ts';
import { readPostmasterFile } from '../../packages/server/src/engines/database/embedded/postmaster-file.ts';

/** Bytes by name: `kernel.event` is a table, `blobs/` a folder. */
export type Sizes = ReadonlyMap<string, number>;

/** Partitions count for their table: `kernel.event_2026_12` is `kernel.event`. */
const TABLES = `
  select schemaname || '.' || regexp_replace(relname, '_(default|[0-9_]+)$', '') as name,
    sum(pg_total_relation_size(relid))::int8 as bytes
  from pg_stat_user_tables group by 1`;

/** `data`: the data folder of a Dais that runs, with its own database. */
export async function sizesOf(data: string): Promise<Sizes> {
  const cluster = join(data, 'postgres', 'cluster');
  const file = await readPostmasterFile(cluster);
  if (file === undefined) throw new Error(`no database runs in ${cluster}`);
  const connection = { host: file.socketFolder, port: file.port, user: 'dais', database: 'dais' };
  const database = openDatabase(connection, { poolSize: 1, applicationName: 'benchmark' });
  const sizes = new Map<string, number>();
  try {
    const rows = await database.statement<{ name: string; bytes: bigint }>({ mode: 'read', scope: 'all' }, TABLES);
    for (const { name, bytes } of rows) sizes.set(name, Number(bytes));
  } finally {
    await database.close();
  }
  for (const entry of readdirSync(data, { withFileTypes: true })) {
    const path = join(data, entry.name);
    if (entry.name === 'postgres') sizes.set('postgres/cluster/pg_wal/', bytesIn(join(cluster, 'pg_wal')));
    else if (entry.isDirectory()) sizes.set(`${entry.name}/`, bytesIn(path));
  }
  return sizes;
}

function bytesIn(folder: string): number {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    // Removed in this moment.
    return 0;
  }
  return entries.reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sum + bytesIn(path);
    try {
      return sum + lstatSync(path).blocks * 512;
    } catch {
      return sum;
    }
  }, 0);
}

/** What limits each table or folder; the first pattern that matches counts. */
const LIMITS: readonly (readonly [RegExp, string])[] = [
  [/^kernel\.event/, 'retention.eventDays'],
  [/^kernel\.job/, 'retention.jobDays'],
  [/^kernel\.idempotency/, 'retention.idempotencyHours'],
  [/^kernel\.revision/, 'retention.revisions'],
  [
    /^kernel\.(blob|content|upload|collection)/,
    'one row per stored content; content.unreferencedDays after its last reference',
  ],
  [
    /^kernel\.(resource|reference|reconcile|tenant|subscription|cursor|watch|lease)/,
    'a fixed number of rows per resource or process',
  ],
  [/^audit\./, 'retention.auditDays'],
  [/^policy\.audited_decision|^policy\.violation/, 'retention.auditDays'],
  [/^usage\./, 'retention.usageDays'],
  [/^tracking\.trace/, 'retention.traceDays, or deletion by a person'],
  [/^lineage\./, 'retention.lineageDays; that of own runs and models until a person deletes them'],
  [/^executions\./, 'retention.executionDays, or deletion by a person'],
  [/^predictions\./, 'retention.predictionDays and retention.predictionBytes'],
  [/^serving\.gateway/, 'a day'],
  [/^serving\./, 'deletion of the endpoint'],
  [
    /^(tracking|registry|data|safety|quality|privacy|model_jobs|monitoring|features|labeling)\./,
    'deletion by a person',
  ],
  [
    /^(nodes|secret|online|policy|comments|definitions|webhooks|alert_channel|dais)\./,
    'a fixed number of rows per person, node or resource',
  ],
  [/^postgres\/cluster\/pg_wal\//, 'max_wal_size of the database'],
  [/^predictions\//, 'an hour after collection; 8 GiB for each gateway while segments wait for collection'],
  [/^blobs\//, 'content.unreferencedDays after the last reference'],
  [/^serving\/|^gateway\//, 'models of deployed versions'],
  [/^(audit-checkpoints|executions|logs|run|keys|isolation|environments|queries)\//, 'limits of their owners'],
];

/** Returns what limits it, or undefined when nothing is known. */
export function limitOf(name: string): string | undefined {
  return LIMITS.find(([pattern]) => pattern.test(name))?.[1];
}
