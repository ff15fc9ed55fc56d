/** `dais model convert`. */
import { startModelConversionOperation, type PredictFunction } from '@dais/api/serving';
import type { Run } from '#context.ts';
import { follow } from './follow.ts';

interface Options {
  readonly to?: string;
  readonly opset: number;
  readonly predictFn?: PredictFunction;
  readonly wait?: true;
}

export const convert: Run<Options> = async (context, [version = ''], { to, opset, predictFn, wait = false }) => {
  const client = await context.connect();
  const begun = await client.perform(startModelConversionOperation, {
    model: /^(models|runs):/.test(version) ? version : `models:/${version}`,
    opset,
    ...(to !== undefined && { to }),
    ...(predictFn !== undefined && { predictFn }),
  });
  return await follow(context, client, begun, wait);
};
