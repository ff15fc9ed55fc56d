/**
 * Predictions as CloudEvents 1.0, in the format of KServe's logger: one event for the request and one for its response.
 * Pure.
 */
import { LOGGER_EVENT_TYPES, type PredictionRows } from '@dais/api/serving';

export interface ExportedPredictions {
  readonly events: Record<string, unknown>[];
  /** Cursor: the id of the last prediction. */
  readonly last: string | undefined;
}

/** `rows` contains all rows of each prediction, ordered by prediction. */
export function cloudEvents({ columns, rows }: PredictionRows, project: string): ExportedPredictions {
  const positions = new Map(columns.map(({ name }, index) => [name, index]));
  const events: Record<string, unknown>[] = [];
  let last: string | undefined;
  for (let from = 0; from < rows.length;) {
    const first = rows[from]!;
    const cell = (name: string, row = first) => row[positions.get(name) ?? -1];
    const id = String(cell('prediction_id'));
    let until = from;
    while (until < rows.length && cell('prediction_id', rows[until]) === id) until += 1;
    const own = rows.slice(from, until);
    const shared = {
      specversion: '1.0',
      id,
      source: `dais:///${project}/${String(cell('endpoint'))}`,
      time: cell('predicted_at'),
      datacontenttype: 'application/json',
      inferenceservicename: cell('endpoint'),
      namespace: project,
      component: 'predictor',
      endpoint: cell('variant'),
    };
    const data = (prefix: 'in_' | 'out_') =>
      columns
        .filter(({ name }) => name.startsWith(prefix))
        .map(({ name }) => ({ name: name.slice(prefix.length), data: own.map((row) => cell(name, row)) }))
        .filter((one) => one.data.some((value) => value !== null));
    const model = { model_name: cell('model'), model_version: cell('version') };
    events.push({ ...shared, type: LOGGER_EVENT_TYPES.request, data: { id, inputs: data('in_') } });
    events.push({
      ...shared,
      type: LOGGER_EVENT_TYPES.response,
      data: { id, ...model, outputs: data('out_'), status: cell('status'), error: cell('error') ?? undefined },
    });
    last = id;
    from = until;
  }
  return { events, last };
}
