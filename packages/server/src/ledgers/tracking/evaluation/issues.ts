/** Operations on issues: problems that people and programs find in traces. An assessment of a trace names its issue. */
import { DaisError } from '@dais/api';
import { issueFilter, parseFilter, parseOrder, type OrderKey } from '@dais/api/filter';
import {
  createIssueOperation,
  issueSeverities,
  readIssueOperation,
  searchIssuesOperation,
  updateIssueOperation,
  type Issue,
} from '@dais/api/tracking';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { compareInteger } from '#lib/comparison-sql.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import { activeExperiment, publicId } from '../experiments/experiment-lookup.ts';
import { findExperiments } from '../experiments/experiment-lookup.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { attributes, filterConditions } from '../search/filter-sql.ts';
import { findRows, foreignCursor, rowCondition } from '../search/search-page.ts';

interface IssueRow {
  readonly id: string;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly name: string;
  readonly description: string;
  readonly status: Issue['status'];
  readonly severity: Issue['severity'] | null;
  readonly root_causes: string[];
  readonly categories: string[];
  readonly source_run: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  readonly seen_at: bigint;
  readonly created_by: string | null;
  readonly updated_by: string | null;
}

const COLUMNS = `r.id, r.experiment, e.is_default, r.name, r.description, r.status, r.severity, r.root_causes, r.categories,
  r.source_run, r.metadata, r.created_at, r.updated_at, r.seen_at, r.created_by, r.updated_by`;
const FROM = 'tracking.issue r join tracking.experiment e on e.id = r.experiment and e.deleted_at is null';
const TRACES = `(select count(distinct a.trace) from tracking.assessment a
  where a.project_id = r.project_id and a.kind = 'issue' and a.name = r.id)`;
const MOST_METADATA = 100;

export function issueEntries({ clock, random }: TrackingDependencies): readonly OperationEntry[] {
  return [
    entry(createIssueOperation, async (tx, { input }) => {
      const now = clock.now();
      requireSmall(input.metadata);
      const experiment = await activeExperiment(tx, input.experimentId, now);
      const id = input.id ?? `iss-${random(16).toString('hex')}`;
      const rows = await tx.sql.query(
        `insert into tracking.issue (project_id, id, experiment, name, description, status, severity, root_causes, categories,
           source_run, metadata, created_at, updated_at, seen_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $12, $13, $14)
         on conflict (project_id, id) do nothing returning 1`,
        [
          tx.projectId,
          id,
          experiment.id,
          input.name,
          input.description,
          input.status,
          input.severity ?? null,
          input.rootCauses,
          [...new Set(input.categories)],
          input.sourceRunId ?? null,
          JSON.stringify(input.metadata),
          now,
          input.seenAt ?? now,
          input.createdBy ?? null,
        ],
        'insert_issue',
      );
      if (rows.length === 0) {
        throw new DaisError('already_exists', `Issue "${id}" exists. Choose another id, or update the issue.`);
      }
      return await readIssue(tx, id);
    }),
    entry(readIssueOperation, async (tx, { input }) => await readIssue(tx, input.id)),
    entry(updateIssueOperation, async (tx, { input }) => await updateIssue(tx, input, clock.now())),
    entry(searchIssuesOperation, async (tx, call) => await searchIssues(tx, call)),
  ];
}

async function readIssue(tx: Transaction, id: string): Promise<Issue> {
  const [row] = await tx.sql.query<IssueRow>(
    `select ${COLUMNS} from ${FROM} where r.project_id = $1 and r.id = $2`,
    [tx.projectId, id],
    'issue',
  );
  if (row === undefined) throw noIssue(id);
  return present(row);
}

async function updateIssue(
  tx: Transaction,
  input: CallOf<typeof updateIssueOperation>['input'],
  now: number,
): Promise<Issue> {
  const { id, metadata = {}, removeMetadata = [] } = input;
  const overlap = removeMetadata.find((key) => Object.hasOwn(metadata, key));
  if (overlap !== undefined) {
    throw new DaisError('invalid_request', `The metadata key "${overlap}" is both set and removed. Choose one.`);
  }
  const [row] = await tx.sql.query<{ metadata: Record<string, string> }>(
    `update tracking.issue set name = coalesce($3, name), description = coalesce($4, description),
       status = coalesce($5, status), severity = coalesce($6, severity), categories = coalesce($7::text[], categories),
       seen_at = greatest(seen_at, coalesce($8, seen_at)), metadata = (metadata - $9::text[]) || $10::jsonb,
       updated_by = coalesce($11, updated_by), updated_at = greatest(updated_at, $12)
     where project_id = $1 and id = $2 returning metadata`,
    [
      tx.projectId,
      id,
      input.name ?? null,
      input.description ?? null,
      input.status ?? null,
      input.severity ?? null,
      input.categories === undefined ? null : [...new Set(input.categories)],
      input.seenAt ?? null,
      removeMetadata,
      JSON.stringify(metadata),
      input.updatedBy ?? null,
      now,
    ],
    'update_issue',
  );
  if (row === undefined) throw noIssue(id);
  requireSmall(row.metadata);
  return await readIssue(tx, id);
}

const ATTRIBUTES = {
  status: 'r.status',
  source_run_id: 'r.source_run',
  name: 'r.name',
  severity: 'r.severity',
  created_timestamp: 'r.created_at',
  last_updated_timestamp: 'r.updated_at',
  last_seen_timestamp: 'r.seen_at',
} as const;
const FAMILIES = { attribute: attributes(ATTRIBUTES, compareInteger) };
/** Issues without a severity are below those with one. */
const RANK = `(case r.severity ${issueSeverities.map((name, rank) => `when '${name}' then ${rank + 1}`).join(' ')} else 0 end)::bigint`;

function sortKeys(order: readonly OrderKey[], withTraces: boolean): SortKey[] {
  const last: SortKey = { sql: 'r.id', type: 'text', ascending: false };
  if (order.length === 0) {
    return [
      { sql: RANK, type: 'bigint', ascending: false },
      ...(withTraces ? [{ sql: TRACES, type: 'bigint', ascending: false } as const] : []),
      { sql: 'r.created_at', type: 'bigint', ascending: false },
      last,
    ];
  }
  const keys = order.map(({ key, ascending }): SortKey => {
    if (key === 'severity') return { sql: RANK, type: 'bigint', ascending };
    const sql = ATTRIBUTES[key as keyof typeof ATTRIBUTES];
    const type = key.endsWith('_timestamp') ? 'bigint' : 'text';
    return { sql: key === 'name' ? `lower(${sql})` : sql, type, ascending, missing: key === 'source_run_id' };
  });
  return [...keys, last];
}

async function searchIssues(tx: Transaction, { input, rows }: CallOf<typeof searchIssuesOperation>) {
  const { limit, cursor, withTraces, withTotal, ...of } = input;
  const binding = ['issues', tx.projectId, of, withTraces];
  const position = decodePageCursor(binding, cursor);
  const clauses = parseFilter(issueFilter, of.filter ?? '');
  const order = parseOrder(issueFilter, of.orderBy ?? []);
  const experiments = of.experimentId === undefined ? undefined : await findExperiments(tx, [of.experimentId]);
  if (experiments?.length === 0) return { items: [], ...(withTotal && { total: 0 }) };
  const where = (bind: Bind) => [
    `r.project_id = ${bind(tx.projectId)}::uuid`,
    experiments !== undefined && `r.experiment = any(${bind(experiments.map(({ id }) => id))}::int8[])`,
    of.name !== undefined && `strpos(lower(r.name), lower(${bind(of.name)}::text)) > 0`,
    of.statuses !== undefined && `r.status = any(${bind(of.statuses)}::text[])`,
    of.severities !== undefined && `r.severity = any(${bind(of.severities)}::text[])`,
    of.categories !== undefined &&
      `exists (select from unnest(r.categories) c (name) where lower(trim(c.name)) = any(${bind(of.categories.map((one) => one.trim().toLowerCase()))}::text[]))`,
    ...filterConditions(clauses, FAMILIES, bind),
    rowCondition(rows, bind),
  ];
  const query = {
    columns: `${COLUMNS}, ${withTraces ? TRACES : 'null::bigint'} as traces`,
    keys: sortKeys(order, withTraces),
    of: (bind: Bind) => ({ from: FROM, where: where(bind) }),
  };
  const found = await findRows<IssueRow & { readonly traces: bigint | null }>(tx, query, position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  const items = page.map((row) => ({ ...present(row), ...(row.traces !== null && { traces: Number(row.traces) }) }));
  return { items, ...next, ...(withTotal && { total: await count(tx, where) }) };
}

async function count({ sql }: Transaction, where: (bind: Bind) => readonly (string | false | undefined)[]) {
  const { text, values } = composeStatement(
    (bind) => `select count(*)::int as total from ${FROM} where ${allOf([...where(bind)])}`,
  );
  const [row] = await sql.query<{ total: number }>(text, values);
  return row?.total ?? 0;
}

function requireSmall(metadata: Readonly<Record<string, string>>): void {
  const entries = Object.keys(metadata).length;
  if (entries <= MOST_METADATA) return;
  throw new DaisError(
    'invalid_request',
    `The issue would have ${entries} metadata entries; the limit is ${MOST_METADATA}. Remove some of them.`,
  );
}

function noIssue(id: string): DaisError {
  return new DaisError('not_found', `Issue "${id}" does not exist.`);
}

function present(row: IssueRow): Issue {
  return {
    id: row.id,
    experimentId: publicId({ id: row.experiment, is_default: row.is_default }),
    name: row.name,
    description: row.description,
    status: row.status,
    ...(row.severity !== null && { severity: row.severity }),
    rootCauses: row.root_causes,
    categories: row.categories,
    ...(row.source_run !== null && { sourceRunId: row.source_run }),
    metadata: row.metadata,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    seenAt: Number(row.seen_at),
    ...(row.created_by !== null && { createdBy: row.created_by }),
    ...(row.updated_by !== null && { updatedBy: row.updated_by }),
  };
}
