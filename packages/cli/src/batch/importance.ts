/** `dais model importance`. */
import { DaisError, type DaisClient } from '@dais/api';
import { readModelAliasOperation } from '@dais/api/registry';
import {
  listModelImportancesOperation,
  parseServedModel,
  startModelImportanceOperation,
  type ModelImportance,
} from '@dais/api/serving';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { numberText } from '#output/amounts.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { follow, waitFor } from './follow.ts';

interface Options {
  readonly data?: string;
  readonly inputs?: readonly string[];
  readonly sample: number;
  readonly background: number;
  readonly seed: number;
  readonly wait?: true;
}

export const importance: Run<Options> = async (context, [version = ''], options) => {
  const { data, inputs, sample, background, seed, wait = false } = options;
  const model = /^(models|runs):/.test(version) ? version : `models:/${version}`;
  const client = await context.connect();
  if (data === undefined) return await show(context, await kept(client, model));
  const request = { model, data, sample, background, seed, ...(inputs !== undefined && { inputs: [...inputs] }) };
  const begun = await client.perform(startModelImportanceOperation, request);
  if (!wait) return await follow(context, client, begun, false);
  const job = await waitFor(context, client, begun);
  if (job.state !== 'succeeded') return await follow(context, client, job, false);
  const { items } = await client.perform(listModelImportancesOperation, {
    name: job.model,
    version: job.version,
    limit: 1000,
  });
  return await show(
    context,
    items.find(({ id }) => id === job.id),
  );
};

/** The newest job of the version. */
async function kept(client: DaisClient, reference: string): Promise<ModelImportance | undefined> {
  const named = parseServedModel(reference);
  if ('message' in named || named.of === 'run' || named.of === 'remote') {
    throw new DaisError('invalid_request', `"${reference}" names no registered version: write NAME@ALIAS or NAME/7.`);
  }
  const { name } = named;
  const version =
    named.of === 'version'
      ? named.version
      : (await client.perform(readModelAliasOperation, { name, alias: named.alias })).version;
  const { items } = await client.perform(listModelImportancesOperation, { name, version, limit: 1 });
  return items[0];
}

async function show(context: Context, found: ModelImportance | undefined): Promise<number> {
  if (found === undefined) {
    throw new DaisError(
      'not_found',
      'No feature importance is stored for this version. Compute it with --data NAME@VERSION.',
    );
  }
  if (await printedForPrograms(context, found)) return exitCodes.ok.code;
  const { terminal } = context;
  const rows = found.features.map((one) => [
    { text: one.feature },
    { text: numberText(one.importance) },
    { text: numberText(one.mean) },
  ]);
  terminal.out(table(['column', 'importance', 'mean'], rows, { style: terminal.style, columns: terminal.columns }));
  const { model, version, data, method, scale, sample, background, seed } = found;
  const of = scale === 'margin' ? ', on the margin scale' : '';
  remark(
    context,
    `${model}/${version}, method ${method}${of}: ${sample} rows of ${data}, ${background} background rows, seed ${seed}`,
  );
  return exitCodes.ok.code;
}
