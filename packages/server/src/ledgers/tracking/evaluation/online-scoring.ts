/**
 * Online scoring configurations: which share of new traces a scorer is to score. Programs read them, for example
 * scheduled jobs. The server stores them and runs no scorer.
 */
import { searchOnlineScoringOperation, setOnlineScoringOperation, type OnlineScoringConfig } from '@dais/api/tracking';
import { parseFilter, traceFilter } from '@dais/api/filter';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Bind } from '#lib/composed-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { activeExperiment, publicId } from '../experiments/experiment-lookup.ts';
import { findRows, foreignCursor, rowCondition } from '../search/search-page.ts';
import { noScorer } from './scorers.ts';

interface ConfigRow {
  readonly id: string;
  readonly scorer_id: string;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly sample_rate: number;
  readonly filter: string | null;
}

export function onlineScoringEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  return [
    entry(setOnlineScoringOperation, async (tx, { input }) => await setOnlineScoring(tx, input, dependencies)),
    entry(searchOnlineScoringOperation, async (tx, call) => await searchOnlineScoring(tx, call)),
  ];
}

/** @throws DaisError `invalid_request` for a filter that cannot be parsed, `not_found`, `invalid_state`. */
async function setOnlineScoring(
  tx: Transaction,
  input: CallOf<typeof setOnlineScoringOperation>['input'],
  { clock, random }: TrackingDependencies,
): Promise<OnlineScoringConfig> {
  const { experimentId, name, sampleRate, filter } = input;
  parseFilter(traceFilter, filter ?? '');
  const experiment = await activeExperiment(tx, experimentId, clock.now());
  const id = random(16).toString('hex');
  const [row] = await tx.sql.query<{ scorer_id: string }>(
    `with scorer as (
       select s.num, s.id from tracking.scorer s where s.experiment = $1 and s.name = $2
         and exists (select 1 from tracking.scorer_version v where v.scorer = s.num) for share of s),
     written as (
       insert into tracking.online_scoring as o (scorer, project_id, id, sample_rate, filter)
       select num, $3, $4, $5, $6 from scorer
       on conflict (scorer) do update set id = excluded.id, sample_rate = excluded.sample_rate, filter = excluded.filter)
     select id as scorer_id from scorer`,
    [experiment.id, name, tx.projectId, id, sampleRate, filter ?? null],
    'set_online_scoring',
  );
  if (row === undefined) throw noScorer({ experimentId, name });
  return { id, scorerId: row.scorer_id, experimentId, sampleRate, ...(filter !== undefined && { filter }) };
}

const KEYS: readonly SortKey[] = [
  { sql: 'r.experiment', type: 'bigint', ascending: true },
  { sql: 'r.name', type: 'text', ascending: true },
];

async function searchOnlineScoring(tx: Transaction, { input, rows }: CallOf<typeof searchOnlineScoringOperation>) {
  const { limit, cursor, scorerIds } = input;
  const binding = ['online scoring', tx.projectId, scorerIds];
  const position = decodePageCursor(binding, cursor);
  const query = {
    columns: 'o.id, r.id as scorer_id, r.experiment, e.is_default, o.sample_rate, o.filter',
    keys: KEYS,
    of: (bind: Bind) => ({
      from: `tracking.online_scoring o join tracking.scorer r on r.num = o.scorer
        join tracking.experiment e on e.id = r.experiment`,
      where: [
        `r.project_id = ${bind(tx.projectId)}::uuid`,
        'e.deleted_at is null',
        scorerIds !== undefined && `r.id = any(${bind(scorerIds)}::text[])`,
        rowCondition(rows, bind),
      ],
    }),
  };
  const found = await findRows<ConfigRow>(tx, query, position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  return { items: page.map(present), ...next };
}

function present(row: ConfigRow): OnlineScoringConfig {
  return {
    id: row.id,
    scorerId: row.scorer_id,
    experimentId: publicId({ id: row.experiment, is_default: row.is_default }),
    sampleRate: row.sample_rate,
    ...(row.filter !== null && { filter: row.filter }),
  };
}
