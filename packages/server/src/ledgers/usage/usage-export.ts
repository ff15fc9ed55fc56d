/** Exports usage records as one file: the query engine writes CSV and Parquet. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api';
import type { UsageRecord } from '@dais/api/usage';
import type { Database } from '#engines/database/contract.ts';
import type { QueryEngine, QueryOutput } from '#engines/query/contract.ts';
import type { Column } from '#engines/query/model/column-type.ts';
import { scan } from '#engines/query/model/build.ts';
import type { Download } from '#kernel/content/download.ts';
import type { Call } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { UsageQuery } from './usage-filter.ts';
import { listUsage } from './usage-lists.ts';

export interface ExportDependencies {
  readonly database: Database;
  readonly query: () => Promise<QueryEngine>;
  /** Contains files until they are sent. */
  readonly folder: string;
}

/** Records of one file: at about 400 bytes each, 400 MB of text. */
const MOST_RECORDS = 1_000_000;
const PAGE = 5000;

/** Prices and budgets follow later: their columns are empty. */
const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'string' },
  { name: 'type', type: 'string' },
  { name: 'source', type: 'string' },
  { name: 'started_at', type: 'timestamp' },
  { name: 'ended_at', type: 'timestamp' },
  { name: 'quantity', type: 'float64' },
  { name: 'unit', type: 'string' },
  { name: 'project', type: 'string' },
  { name: 'team', type: 'string' },
  { name: 'person', type: 'string' },
  { name: 'resource', type: 'string' },
  { name: 'lineage', type: 'string' },
  { name: 'node', type: 'string' },
  { name: 'requests', type: 'string' },
  { name: 'cpu_seconds', type: 'float64' },
  { name: 'memory_bytes', type: 'int64' },
  { name: 'corrects', type: 'string' },
  { name: 'price', type: 'string' },
  { name: 'currency', type: 'string' },
  { name: 'cost', type: 'float64' },
  { name: 'budget', type: 'string' },
];

function lineOf({ startedAt, endedAt, requests, cpuSeconds, memoryBytes, ...record }: UsageRecord): string {
  const row = {
    ...record,
    started_at: startedAt,
    ended_at: endedAt,
    requests: JSON.stringify(requests),
    cpu_seconds: cpuSeconds ?? null,
    memory_bytes: memoryBytes ?? null,
  };
  return `${JSON.stringify(row)}\n`;
}

/** Each page has a transaction of its own, so that a slow disk holds none. */
async function* lines(database: Database, query: UsageQuery): AsyncGenerator<string> {
  let written = 0;
  for (let cursor: string | undefined; ;) {
    const request = { mode: 'read', projectId: 'all' } as const;
    const page = await transact(database, request, async (tx) => await listUsage(tx, query, { limit: PAGE, cursor }));
    written += page.items.length;
    if (written > MOST_RECORDS) {
      throw new DaisError(
        'invalid_request',
        `The period has more than ${MOST_RECORDS.toLocaleString('en')} records, the limit of one file. Export shorter periods.`,
      );
    }
    yield page.items.map(lineOf).join('');
    cursor = page.nextCursor;
    if (cursor === undefined) return;
  }
}

/** Creates the file, sends it, and deletes it. @throws DaisError `invalid_request` for too many records. */
export async function exportUsage(
  { database, query: openEngine, folder: parent }: ExportDependencies,
  { query, format }: { readonly query: UsageQuery; readonly format: 'csv' | 'parquet' },
  { context, tenant }: Call,
): Promise<Download> {
  const folder = join(parent, uuidv7());
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const drop = async () => await rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'records.ndjson');
    const { signal } = context;
    await pipeline(Readable.from(lines(database, query)), createWriteStream(path, { mode: 0o600 }), { signal });
    const engine = await openEngine();
    const csv = join(folder, 'usage.csv');
    const output: QueryOutput =
      format === 'csv'
        ? { type: 'csv', path: csv }
        : { type: 'parquet', folder, name: 'usage', split: { type: 'one' } };
    const tables = { records: { files: [{ path, name: 'records', format: 'ndjson' as const }], columns: COLUMNS } };
    const result = await engine.run({ tables, query: scan('records'), output, owner: tenant.id }, { signal });
    const made = result.files[0]?.path ?? csv;
    const { size } = await stat(made);
    // If the download never starts, the end of the request deletes the file.
    signal.addEventListener('abort', () => void drop(), { once: true });
    return {
      size,
      sha256: null,
      open: async (range) => {
        const stream = createReadStream(made, range ?? {});
        stream.on('close', () => void drop());
        return await Promise.resolve(stream);
      },
    };
  } catch (error) {
    await drop();
    throw error;
  }
}
