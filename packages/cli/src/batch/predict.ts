/** `dais batch-predict`. */
import { readDatasetVersionOperation } from '@dais/api/data';
import { startBatchPredictionOperation } from '@dais/api/serving';
import type { Run } from '#context.ts';
import { readReference } from '#data/reference.ts';
import { follow } from './follow.ts';

interface Options {
  readonly model: string;
  readonly data: string;
  readonly out: string;
  readonly columns?: readonly string[];
  readonly inputs?: readonly string[];
  readonly onError: 'fail' | 'reject';
  readonly wait?: true;
}

export const batchPredict: Run<Options> = async (context, _, options) => {
  const { model, data, out, columns, inputs, onError, wait = false } = options;
  const client = await context.connect();
  const all = columns?.includes('*') === true;
  const kept = all ? await client.perform(readDatasetVersionOperation, readReference(data)) : undefined;
  const begun = await client.perform(startBatchPredictionOperation, {
    model: /^(models|runs):/.test(model) ? model : `models:/${model}`,
    data,
    out,
    onError,
    ...(columns !== undefined && { columns: kept?.schema.columns.map(({ name }) => name) ?? [...columns] }),
    ...(inputs !== undefined && { inputs: [...inputs] }),
  });
  return await follow(context, client, begun, wait);
};
