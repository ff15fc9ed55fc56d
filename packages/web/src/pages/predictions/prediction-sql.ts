/** The queries of prediction pages as SQL that can be copied and run elsewhere. Pure functions. */

/** Selection of requests. */
export type PredictionState = 'given' | 'answered' | 'failed' | 'shadow';

export interface PredictionFilter {
  readonly state: PredictionState;
  /** Number of the serving version. */
  readonly version: string;
  readonly variant: string;
  /** A column, and a value as text. */
  readonly column: string;
  readonly value: string;
}

/** The last row of the previous page: the newest come first, rows of one request in their order. */
export interface PredictionPositionBefore {
  readonly id: string;
  readonly row: number;
}

const textLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const columnName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const STATES: Readonly<Record<PredictionState, readonly string[]>> = {
  given: ['shadow_of is null'],
  answered: ['shadow_of is null', 'status < 400'],
  failed: ['shadow_of is null', 'status >= 400'],
  shadow: ['shadow_of is not null'],
};

function conditions({ state, version, variant, column, value }: PredictionFilter): readonly string[] {
  return [
    ...STATES[state],
    ...(version === '' ? [] : [`version = ${textLiteral(version)}`]),
    ...(variant === '' ? [] : [`variant = ${textLiteral(variant)}`]),
    // Numbers and booleans are compared by their text.
    ...(column === '' || value === ''
      ? []
      : [`cast(${columnName(column)} as varchar) in (${textLiteral(value)}, ${textLiteral(`${value}.0`)})`]),
  ];
}

export function pageSql(filter: PredictionFilter, before: PredictionPositionBefore | undefined, limit: number): string {
  const behind =
    before === undefined
      ? []
      : [
          `(prediction_id < ${textLiteral(before.id)} or (prediction_id = ${textLiteral(before.id)} and row > ${before.row}))`,
        ];
  return `select * from labeled
where ${[...conditions(filter), ...behind].join('\n  and ')}
order by prediction_id desc, row
limit ${limit}`;
}

/** Predictions by version: count, latency, and the number with ground truth. */
export function summarySql(filter: PredictionFilter): string {
  return `select model, version, variant,
  count(distinct prediction_id) as predictions,
  count(distinct case when status >= 400 then prediction_id end) as failed,
  quantile_cont(latency_us, 0.5) / 1000 as p50_ms,
  quantile_cont(latency_us, 0.99) / 1000 as p99_ms,
  count(*) as rows,
  count(label) as labeled
from labeled
where ${conditions(filter).join('\n  and ')}
group by model, version, variant
order by predictions desc
limit 100`;
}
