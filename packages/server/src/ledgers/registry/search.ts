/** Searches models and versions: one query for the keys, then their contents by arrays of keys. */
import { DaisError } from '@dais/api';
import type {
  ModelVersion,
  RegisteredModel,
  searchModelsOperation,
  searchModelVersionsOperation,
} from '@dais/api/registry';
import {
  modelVersionFilter,
  parseFilter,
  parseOrder,
  registeredModelFilter,
  type FilterClause,
  type FilterEntity,
  type OrderKey,
} from '@dais/api/filter';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { RowFilter } from '#kernel/principal.ts';
import { listResources } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { compareInteger, compareText } from '#lib/comparison-sql.ts';
import { behind, isPosition, orderBy, positionOf, sortColumns, type SortKey } from '#lib/keyset.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import { hydrateModels, hydrateVersions } from './model-rows.ts';

interface FoundRow {
  readonly model: bigint;
  /** 0 for models. */
  readonly version: number;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

type Column = Pick<SortKey, 'sql' | 'type'>;

/** Searched rows `r` of models `m`. */
interface Searched {
  readonly entity: FilterEntity;
  readonly columns: string;
  readonly from: string;
  readonly attributes: Readonly<Record<string, Column>>;
  /** Rows `x` of the tags of `r`. */
  readonly tags: string;
  /** The default order, and the tie-breaker of all others. */
  readonly order: readonly SortKey[];
}

const models: Searched = {
  entity: registeredModelFilter,
  columns: 'm.id as model, 0 as version',
  from: 'registry.model m',
  attributes: {
    name: { sql: 'm.name', type: 'text' },
    creation_timestamp: { sql: 'm.created_at', type: 'bigint' },
    last_updated_timestamp: { sql: 'm.updated_at', type: 'bigint' },
  },
  tags: 'registry.model_tag x where x.model = m.id',
  order: [{ sql: 'm.name', type: 'text', ascending: true }],
};

const UPDATED = 'r.updated_at';

const versions: Searched = {
  entity: modelVersionFilter,
  columns: 'r.model, r.version',
  from: 'registry.version r join registry.model m on m.id = r.model',
  attributes: {
    name: { sql: 'm.name', type: 'text' },
    version_number: { sql: 'r.version::int8', type: 'bigint' },
    run_id: { sql: 'r.run_id', type: 'text' },
    source_path: { sql: 'r.source', type: 'text' },
    creation_timestamp: { sql: 'r.created_at', type: 'bigint' },
    last_updated_timestamp: { sql: 'r.updated_at', type: 'bigint' },
  },
  tags: 'registry.version_tag x where x.model = r.model and x.version = r.version',
  order: [
    { sql: UPDATED, type: 'bigint', ascending: false },
    { sql: 'm.name', type: 'text', ascending: true },
    { sql: 'r.version::int8', type: 'bigint', ascending: false },
  ],
};

/** Rows per read of contents: a page can have 200,000. */
const HYDRATED = 1000;

/** @throws DaisError `invalid_request` with the position in the filter or order, `invalid_cursor`. */
export async function searchModels(
  tx: Transaction,
  call: CallOf<typeof searchModelsOperation>,
): Promise<Page<RegisteredModel>> {
  return await search(tx, call, models, async (rows) =>
    hydrateModels(
      tx.sql,
      rows.map(({ model }) => model),
    ),
  );
}

/** @throws DaisError `invalid_request` with the position in the filter or order, `invalid_cursor`. */
export async function searchVersions(
  tx: Transaction,
  call: CallOf<typeof searchModelVersionsOperation>,
): Promise<Page<ModelVersion>> {
  return await search(tx, call, versions, async (rows) => hydrateVersions(tx.sql, rows));
}

async function search<Item>(
  tx: Transaction,
  { input, tenant, rows: visible }: CallOf<typeof searchModelVersionsOperation | typeof searchModelsOperation>,
  searched: Searched,
  hydrate: (rows: readonly FoundRow[]) => Promise<Item[]>,
): Promise<Page<Item>> {
  const { limit, cursor, ...of } = input;
  const clauses = parseFilter(searched.entity, of.filter ?? '');
  const keys = sortKeys(searched, parseOrder(searched.entity, of.orderBy ?? []));
  const binding = [searched.from, tenant.id, of];
  const position = decodePageCursor(binding, cursor);
  if (position !== undefined && !isPosition(keys, position)) {
    throw new DaisError('invalid_cursor', 'The cursor is not from this search.');
  }
  const uids = visible === undefined ? undefined : await visibleModels(tx, tenant.id, visible);
  const { text, values } = composeStatement(
    (bind) => `select ${searched.columns}, ${sortColumns(keys)} from ${searched.from}
     where m.project_id = ${bind(tenant.id)} and m.type = any(${bind(of.types)}::text[])
       and ${allOf([
         ...clauses.map((clause) => condition(searched, clause, bind)),
         uids !== undefined && `m.uid = any(${bind(uids)}::uuid[])`,
         position !== undefined && behind(keys, position, bind),
       ])}
     order by ${orderBy(keys)} limit ${bind(limit + 1)}`,
  );
  // Unnamed statement: its text depends on the filter.
  const found = await tx.sql.query<FoundRow & Record<string, unknown>>(text, values);
  const { page, next } = cutPage(found, limit, binding, (row) => positionOf(keys, row));
  const items: Item[] = [];
  for (let at = 0; at < page.length; at += HYDRATED) items.push(...(await hydrate(page.slice(at, at + HYDRATED))));
  return { items, ...next };
}

function condition({ attributes, tags }: Searched, clause: FilterClause, bind: Bind): string {
  if (clause.family === 'tag') {
    return `exists (select from ${tags} and x.key = ${bind(clause.key)}::text and ${compareText('x.value', clause, bind)})`;
  }
  const { sql, type } = columnOf(attributes, clause.key);
  return type === 'bigint' ? compareInteger(sql, clause, bind) : compareText(sql, clause, bind);
}

function sortKeys({ attributes, order }: Searched, requested: readonly OrderKey[]): readonly SortKey[] {
  const keys = requested.map(({ key, ascending }): SortKey => ({
    ...columnOf(attributes, key),
    ascending,
    missing: key === 'run_id',
  }));
  if (keys.length === 0) return order;
  // Rows that are equal in the requested order follow by name and version, as in MLflow, not by time.
  const ties = order.filter(({ sql }) => sql !== UPDATED && !keys.some((one) => one.sql === sql));
  return [...keys, ...ties];
}

function columnOf(attributes: Searched['attributes'], key: string): Column {
  const column = attributes[key];
  if (column === undefined) throw new Error(`no column of ${key}`);
  return column;
}

/** Restricts the search if policies allow only some models. Policies refer to resources, so the resources decide. */
export async function visibleModels(tx: Transaction, projectId: string, rows: RowFilter): Promise<readonly string[]> {
  const uids: string[] = [];
  for (let after = '', full = true; full;) {
    const filter = { equal: {}, notEqual: [], present: [], absent: [] };
    const found = await listResources(tx.sql, { projectId, kind: 'Model', after, limit: HYDRATED, rows, ...filter });
    uids.push(...found.map(({ uid }) => uid));
    after = found.at(-1)?.name ?? after;
    full = found.length === HYDRATED;
  }
  return uids;
}

/** Returns name and newest version of each of these models with versions, by the uid of its resource. */
export async function newestVersions(
  { sql, projectId }: Transaction,
  uids: readonly string[],
): Promise<ReadonlyMap<string, { readonly name: string; readonly version: number }>> {
  const rows = await sql.query<{ uid: string; name: string; version: number }>(
    `select m.uid, m.name, max(v.version) as version from registry.model m join registry.version v on v.model = m.id
     where m.project_id = $1 and m.uid = any($2::uuid[]) group by m.uid, m.name`,
    [projectId, uids],
    'newest_versions',
  );
  return new Map(rows.map(({ uid, name, version }) => [uid, { name, version }]));
}
