/** The online store in the database of Dais. */
import type { Database } from '#engines/database/contract.ts';
import type { Lookup, OnlineRow, OnlineStore, OnlineView } from '../contract.ts';
import { newestRows } from '../newest-rows.ts';

interface FoundRow {
  readonly n: number;
  readonly event_time: bigint;
  readonly created_time: bigint;
  readonly value: Buffer;
}

const scopeOf = (view: OnlineView) => ({ project: view.project }) as const;

// A later write with the same time counts; an identical row does not, to avoid work for vacuum.
const WRITE = `insert into online.value as v (project_id, view, key, event_time, created_time, value)
  select $1, $2, * from unnest($3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[])
  on conflict (view, key) do update
    set event_time = excluded.event_time, created_time = excluded.created_time, value = excluded.value
    where (excluded.event_time, excluded.created_time) > (v.event_time, v.created_time)
      or (excluded.event_time, excluded.created_time) = (v.event_time, v.created_time) and excluded.value <> v.value
  returning 1`;

// `limit 1` makes the planner use an index lookup per key.
const READ = `select k.n::int as n, v.event_time, v.created_time, v.value
  from unnest($1::uuid[], $2::bytea[]) with ordinality k (view, key, n)
  cross join lateral (
    select event_time, created_time, value from online.value o where o.view = k.view and o.key = k.key limit 1
  ) v`;

export class PostgresOnlineStore implements OnlineStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async write(view: OnlineView, rows: readonly OnlineRow[]): Promise<number> {
    const newest = newestRows(rows);
    if (newest.length === 0) return 0;
    const changed = await this.#database.transaction({ mode: 'write', scope: scopeOf(view) }, async (sql) =>
      sql.query(
        WRITE,
        [
          view.project,
          view.view,
          newest.map(({ key }) => key),
          newest.map(({ eventTime }) => eventTime),
          newest.map(({ createdTime }) => createdTime),
          newest.map(({ value }) => value),
        ],
        'write_online',
      ),
    );
    return changed.length;
  }

  /** Lookups of one project are combined. */
  async read(lookups: readonly Lookup[]): Promise<readonly (readonly (OnlineRow | undefined)[])[]> {
    const answers = lookups.map(({ keys }) => Array.from<OnlineRow | undefined>({ length: keys.length }));
    const projects = new Set(lookups.map(({ project }) => project));
    for (const project of projects) {
      const locations: { readonly answer: (OnlineRow | undefined)[]; readonly at: number; readonly key: Buffer }[] = [];
      const views: string[] = [];
      for (const [index, lookup] of lookups.entries()) {
        if (lookup.project !== project) continue;
        for (const [at, key] of lookup.keys.entries()) {
          locations.push({ answer: answers[index]!, at, key });
          views.push(lookup.view);
        }
      }
      if (locations.length === 0) continue;
      const found = await this.#database.statement<FoundRow>(
        { mode: 'read', scope: { project } },
        READ,
        [views, locations.map(({ key }) => key)],
        'read_online',
      );
      for (const { n, event_time, created_time, value } of found) {
        const position = locations[n - 1];
        if (position === undefined) continue;
        const { answer, at, key } = position;
        answer[at] = { key, eventTime: Number(event_time), createdTime: Number(created_time), value };
      }
    }
    return answers;
  }

  async keys(view: OnlineView, after: Buffer | undefined, limit: number): Promise<readonly Buffer[]> {
    const rows = await this.#database.statement<{ key: Buffer }>(
      { mode: 'read', scope: scopeOf(view) },
      'select key from online.value where view = $1 and ($2::bytea is null or key > $2) order by key limit $3',
      [view.view, after ?? null, limit],
      'keys_online',
    );
    return rows.map(({ key }) => key);
  }

  async count(view: OnlineView): Promise<number> {
    const [row] = await this.#database.statement<{ n: number }>(
      { mode: 'read', scope: scopeOf(view) },
      'select count(*)::int as n from online.value where view = $1',
      [view.view],
      'count_online',
    );
    return row?.n ?? 0;
  }

  async drop(view: OnlineView): Promise<void> {
    // In batches, so that no statement runs long.
    for (;;) {
      const gone = await this.#database.transaction({ mode: 'write', scope: scopeOf(view) }, async (sql) =>
        sql.query(
          `delete from online.value where view = $1 and key in (
             select key from online.value where view = $1 limit 10000) returning 1`,
          [view.view],
          'drop_online',
        ),
      );
      if (gone.length < 10_000) return;
    }
  }

  /** The owner of the database closes it. */
  async close(): Promise<void> {}
}
