/** Searches experiments. */
import type { Experiment, experimentActivityOperation, searchExperimentsOperation } from '@dais/api/tracking';
import { experimentFilter, filterError, parseFilter, parseOrder, type OrderKey } from '@dais/api/filter';
import type { Call, CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { compareInteger } from '#lib/comparison-sql.ts';
import { allOf, composeStatement } from '#lib/composed-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import { EXPERIMENT_COLUMNS, findExperiments, publicId, type ExperimentRow } from '../experiments/experiment-lookup.ts';
import { hydrateExperiments } from '../experiments/experiments.ts';
import type { TrackingOptions } from '../dependencies.ts';
import { attributes, filterConditions, keyed, type Translate } from './filter-sql.ts';
import {
  findRows,
  foreignCursor,
  rowCondition,
  viewCondition,
  type SearchInput,
  type SearchQuery,
} from './search-page.ts';

interface ExperimentPage {
  readonly items: readonly Experiment[];
  readonly nextCursor?: string;
}

/** @throws DaisError `invalid_request` with the position, `invalid_cursor`. */
export async function searchExperiments(
  tx: Transaction,
  { input, rows }: CallOf<typeof searchExperimentsOperation>,
  options: TrackingOptions,
): Promise<ExperimentPage> {
  const { limit, cursor, ...of } = input;
  const query = experimentQuery(of, rows);
  const binding = ['experiments', tx.projectId, of];
  const found = await findRows<ExperimentRow>(tx, query, decodePageCursor(binding, cursor), limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, ({ position }) => position);
  return { items: await hydrateExperiments(tx, page, options), ...next };
}

function experimentQuery(of: Omit<SearchInput, 'limit'>, rows: Call['rows']): SearchQuery {
  const text = of.filter ?? '';
  const clauses = parseFilter(experimentFilter, text);
  const order = parseOrder(experimentFilter, of.orderBy ?? []);
  return {
    columns: EXPERIMENT_COLUMNS,
    keys: sortKeys(order),
    of: (bind) => ({
      from: 'tracking.experiment r',
      where: [viewCondition(of.view), ...filterConditions(clauses, families(text), bind), rowCondition(rows, bind)],
    }),
  };
}

/** The public id. */
const NUMBER = '(case when r.is_default then 0 else r.id end)';

const COLUMNS = {
  name: 'r.name',
  creation_time: 'r.created_at',
  last_update_time: 'r.updated_at',
} as const;

function families(text: string): Readonly<Record<string, Translate>> {
  return {
    attribute: attributes({ ...COLUMNS, experiment_id: byNumber(text) }, compareInteger),
    tag: keyed({ name: 'tracking.experiment_tag', owner: 'experiment', of: 'r.id' }),
  };
}

/** Ids of experiments are text in filters. */
function byNumber(text: string): Translate {
  return ({ operator, value, span }, bind) => {
    const numbers = typeof value === 'object' ? value : [String(value)];
    const wrong = numbers.find((number) => !/^\d{1,18}$/.test(number));
    if (wrong !== undefined) {
      const message = `Invalid experiment ID '${wrong}'. Experiment ID must be a valid integer.`;
      throw filterError('filter', text, span, message, { expected: "digits in quotes: '12'" });
    }
    const among = operator === '=' || operator === 'IN' ? '= any' : '<> all';
    return `${NUMBER} ${among}(${bind(numbers)}::int8[])`;
  };
}

function sortKeys(order: readonly OrderKey[]): SortKey[] {
  if (order.length === 0) {
    return [
      { sql: COLUMNS.creation_time, type: 'bigint', ascending: false },
      { sql: NUMBER, type: 'bigint', ascending: true },
    ];
  }
  const tie = { sql: NUMBER, type: 'bigint', ascending: false } as const;
  const sorted = order.map(({ key, ascending }): SortKey => {
    if (key === 'experiment_id') return { ...tie, ascending };
    const sql = COLUMNS[key as keyof typeof COLUMNS];
    return { sql, type: key === 'name' ? 'text' : 'bigint', ascending };
  });
  return order.some(({ key }) => key === 'experiment_id') ? sorted : [...sorted, tie];
}

interface Activity {
  readonly id: string;
  readonly runs: number;
  readonly running: number;
  readonly lastStartedAt?: number;
}

interface CountRow {
  readonly experiment: bigint;
  readonly runs: bigint;
  readonly running: bigint;
  readonly last: bigint;
}

export async function experimentActivity(
  tx: Transaction,
  { input, rows }: CallOf<typeof experimentActivityOperation>,
): Promise<{ readonly items: readonly Activity[] }> {
  const experiments = input.ids.length === 0 ? [] : await findExperiments(tx, input.ids);
  const { text, values } = composeStatement(
    (bind) => `select r.experiment, count(*) as runs, count(*) filter (where r.status = 'RUNNING') as running,
       max(r.started_at) as last
     from tracking.run r
     where r.experiment = any(${bind(experiments.map(({ id }) => id))}::bigint[]) and r.deleted_at is null
       and ${allOf([rowCondition(rows, bind)])}
     group by r.experiment`,
  );
  const counts = await tx.sql.query<CountRow>(text, values);
  const byId = new Map(counts.map((row) => [row.experiment, row]));
  return {
    items: experiments.flatMap((experiment) => {
      const found = byId.get(experiment.id);
      if (found === undefined) return [];
      const last = Number(found.last);
      return [
        {
          id: publicId(experiment),
          runs: Number(found.runs),
          running: Number(found.running),
          // 0: the client did not set a start time.
          ...(last > 0 && { lastStartedAt: last }),
        },
      ];
    }),
  };
}
