/** The next version of a dataset, as a window. */
import type { DatasetVersion } from '@dais/api/data';
import { aggregate, call, column, named, scan } from '#engines/query/model/build.ts';
import { transact } from '#kernel/transaction.ts';
import { QueryRunner, cellsOf, count, type Rows } from '../query-runner.ts';
import { elementType, fieldsOfTable, MAX_FIELDS, type Field } from '../metrics/fields.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import type { OpenWindow } from './window.ts';

/** Returns undefined if there is no newer version. */
export async function withDatasetWindow<T>(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  signal: AbortSignal,
  work: (window: OpenWindow) => Promise<T>,
): Promise<T | undefined> {
  const { project_id: projectId, dataset } = monitor;
  const version = await transact(dependencies.database, { mode: 'read', projectId }, async (tx) => {
    const since = monitor.spec.since === undefined ? Number(monitor.cursor_at) : Date.parse(monitor.spec.since);
    return await dependencies.versions.next(tx, dataset ?? '', monitor.cursor_version, since);
  });
  if (version === undefined) return undefined;
  const of = {
    range: { from: version.createdAt, until: version.createdAt + 1 },
    inputs: [],
    versions: [],
    requests: undefined,
    dataset: { id: version.id, name: version.dataset, number: version.number },
    identity: undefined,
    notes: [],
    problems: [],
  };
  return await withVersion(
    dependencies,
    { projectId, version, signal },
    async (rows) => await work({ ...of, ...rows }),
  );
}

export async function withVersion<T>(
  dependencies: MonitoringDependencies,
  {
    projectId,
    version,
    signal,
  }: { readonly projectId: string; readonly version: DatasetVersion; readonly signal: AbortSignal },
  work: (found: { readonly data: Rows; readonly fields: readonly Field[]; readonly rows: number }) => Promise<T>,
): Promise<T> {
  const masked = await transact(
    dependencies.database,
    { mode: 'read', projectId },
    async (tx) => await dependencies.versions.masked(tx, version.dataset),
  );
  const runner = new QueryRunner(await dependencies.query(), projectId, signal);
  return await dependencies.versions.withTable(version, async (table) => {
    const columns = table.columns ?? [];
    const lists = columns.filter(({ type }) => elementType(type) !== undefined);
    const tables = { data: table };
    const sizes = new Map<string, number>();
    if (lists.length > 0) {
      const aggregates = lists.map(({ name }, at) => named(`s${at}`, aggregate('max', [call('size', column(name))])));
      const cells = cellsOf(
        await runner.queryOne(tables, { type: 'aggregate', from: scan('data'), by: [], columns: aggregates }, 1),
      );
      for (const [at, { name }] of lists.entries()) sizes.set(name, count(cells.get(`s${at}`)));
    }
    const fields = fieldsOfTable({ columns, sizes, masked: new Set(masked.map((name) => name.toLowerCase())) });
    return await work({
      data: { tables, relation: scan('data') },
      fields: fields.slice(0, MAX_FIELDS),
      rows: version.rows,
    });
  });
}
