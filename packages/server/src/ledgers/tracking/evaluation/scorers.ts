/** Operations on scorers. The definition of a scorer is opaque, and the server never runs it. */
import { DaisError } from '@dais/api';
import {
  deleteScorerOperation,
  listScorerVersionsOperation,
  readScorerOperation,
  registerScorerOperation,
  searchScorersOperation,
  type Scorer,
} from '@dais/api/tracking';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { SortKey } from '#lib/keyset.ts';
import type { Bind } from '#lib/composed-sql.ts';
import {
  activeExperiment,
  experimentDeleted,
  findExperiments,
  requireExperiment,
  publicId,
  type ExperimentRow,
} from '../experiments/experiment-lookup.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { findRows, foreignCursor, rowCondition } from '../search/search-page.ts';
import { emitScorerEvent } from '../tracking-events.ts';

interface Named {
  readonly experimentId: string;
  readonly name: string;
}

interface Page {
  readonly limit: number;
  readonly cursor?: string;
}

interface ScorerRow {
  readonly id: string;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly name: string;
  readonly version: number;
  readonly definition: string;
  readonly created_at: bigint;
}

const COLUMNS = 'r.id, r.experiment, e.is_default, r.name, v.version, v.definition, v.created_at';
const FROM =
  'tracking.scorer r join tracking.experiment e on e.id = r.experiment join tracking.scorer_version v on v.scorer = r.num';

export function scorerEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  return [
    entry(registerScorerOperation, async (tx, { input }) => await registerScorer(tx, input, dependencies)),
    entry(searchScorersOperation, async (tx, call) => await searchScorers(tx, call)),
    entry(listScorerVersionsOperation, async (tx, { input }) => await listVersions(tx, input)),
    entry(readScorerOperation, async (tx, { input }) => {
      const experiment = await undeletedExperiment(tx, input.experimentId);
      const [row] = await tx.sql.query<ScorerRow>(
        `select ${COLUMNS} from ${FROM} where r.experiment = $1 and r.name = $2 and ($3::int is null or v.version = $3)
           order by v.version desc limit 1`,
        [experiment.id, input.name, input.version ?? null],
        'scorer',
      );
      if (row === undefined) throw noScorer(input);
      return present(row);
    }),
    entry(deleteScorerOperation, async (tx, { input }) => await deleteScorer(tx, input)),
  ];
}

/** Adds a version. Version numbers increase by one and are not reused after a deletion. */
async function registerScorer(
  tx: Transaction,
  input: Named & { readonly definition: string },
  { clock, random }: TrackingDependencies,
) {
  const now = clock.now();
  const { experimentId, name, definition } = input;
  const experiment = await activeExperiment(tx, experimentId, now);
  const [row] = await tx.sql.query<{ num: bigint; id: string; last_version: number }>(
    `insert into tracking.scorer as s (project_id, id, experiment, name, last_version) values ($1, $2, $3, $4, 1)
     on conflict (experiment, name) do update set last_version = s.last_version + 1
     returning num, id, last_version`,
    [tx.projectId, random(16).toString('hex'), experiment.id, name],
    'next_scorer_version',
  );
  if (row === undefined) throw new Error('the upsert returned no row');
  const version = row.last_version;
  await tx.sql.query(
    `insert into tracking.scorer_version (scorer, version, project_id, definition, created_at)
     values ($1, $2, $3, $4, $5)`,
    [row.num, version, tx.projectId, definition, now],
    'insert_scorer_version',
  );
  emitScorerEvent(tx, 'scorerRegistered', { scorer: name, experiment: experimentId, version });
  const made: Scorer = { id: row.id, experimentId, name, version, definition, createdAt: now };
  return made;
}

const KEYS: readonly SortKey[] = [
  { sql: 'r.experiment', type: 'bigint', ascending: true },
  { sql: 'r.name', type: 'text', ascending: true },
];

async function searchScorers(tx: Transaction, { input, rows }: CallOf<typeof searchScorersOperation>) {
  const { limit, cursor, experimentIds } = input;
  const binding = ['scorers', tx.projectId, experimentIds];
  const position = decodePageCursor(binding, cursor);
  const experiments = experimentIds === undefined ? undefined : await findExperiments(tx, experimentIds);
  if (experiments?.length === 0) return { items: [] };
  const query = {
    columns: COLUMNS,
    keys: KEYS,
    of: (bind: Bind) => ({
      from: `${FROM} and v.version = (select max(version) from tracking.scorer_version where scorer = r.num)`,
      where: [
        `r.project_id = ${bind(tx.projectId)}::uuid`,
        'e.deleted_at is null',
        experiments !== undefined && `r.experiment = any(${bind(experiments.map(({ id }) => id))}::int8[])`,
        rowCondition(rows, bind),
      ],
    }),
  };
  const found = await findRows<ScorerRow>(tx, query, position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  return { items: page.map(present), ...next };
}

async function listVersions(tx: Transaction, { experimentId, name, limit, cursor }: Named & Page) {
  const binding = ['scorer versions', tx.projectId, experimentId, name];
  const after = decodeNumberCursor(binding, cursor);
  const experiment = await undeletedExperiment(tx, experimentId);
  const found = await tx.sql.query<ScorerRow>(
    `select ${COLUMNS} from ${FROM} where r.experiment = $1 and r.name = $2 and v.version > $3
     order by v.version limit $4`,
    [experiment.id, name, after ?? 0n, limit + 1],
    'scorer_versions',
  );
  if (found.length === 0 && after === undefined) throw noScorer({ experimentId, name });
  const { page, next } = cutPage(found, limit, binding, ({ version }) => String(version));
  return { items: page.map(present), ...next };
}

async function deleteScorer(
  tx: Transaction,
  input: Named & { readonly version?: number },
): Promise<{ readonly deleted: number }> {
  const { experimentId, name, version } = input;
  const experiment = await undeletedExperiment(tx, experimentId, 'for share');
  const gone = await tx.sql.query(
    `delete from tracking.scorer_version v using tracking.scorer s
     where s.num = v.scorer and s.experiment = $1 and s.name = $2 and ($3::int is null or v.version = $3) returning 1`,
    [experiment.id, name, version ?? null],
    'delete_scorer_versions',
  );
  if (gone.length > 0) {
    await tx.sql.query(
      `delete from tracking.online_scoring o using tracking.scorer s
       where s.num = o.scorer and s.experiment = $1 and s.name = $2
         and not exists (select 1 from tracking.scorer_version v where v.scorer = s.num)`,
      [experiment.id, name],
      'delete_unused_online_scoring',
    );
    emitScorerEvent(tx, 'scorerDeleted', { scorer: name, experiment: experimentId, versions: gone.length });
  }
  return { deleted: gone.length };
}

/** Returns an active experiment, optionally locked until the transaction ends. @throws DaisError `not_found`, `invalid_state`. */
async function undeletedExperiment(tx: Transaction, number: string, lock?: 'for share'): Promise<ExperimentRow> {
  const row = await requireExperiment(tx, number, lock);
  if (row.deleted_at !== null) throw experimentDeleted(number);
  return row;
}

export function noScorer({
  experimentId,
  name,
  version,
}: Named & { readonly version?: number | undefined }): DaisError {
  const which = version === undefined ? '' : ` in version ${version}`;
  return new DaisError('not_found', `Experiment ${experimentId} has no scorer "${name}"${which}.`);
}

function present(row: ScorerRow): Scorer {
  return {
    id: row.id,
    experimentId: publicId({ id: row.experiment, is_default: row.is_default }),
    name: row.name,
    version: row.version,
    definition: row.definition,
    createdAt: Number(row.created_at),
  };
}
