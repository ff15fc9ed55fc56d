/** `dais batch list`, `get`, `cancel` and `rejects`. */
import {
  cancelModelJobOperation,
  listModelJobsOperation,
  readModelJobOperation,
  readModelJobRejectsOperation,
  type ModelJobState,
} from '@dais/api/serving';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { follow, outcome } from './follow.ts';

interface ListOptions {
  readonly model?: string;
  readonly state?: ModelJobState;
  readonly limit: number;
}

export const listJobs: Run<ListOptions> = async (context, _, { model, state, limit }) => {
  const client = await context.connect();
  const request = { limit, ...(model !== undefined && { model }), ...(state !== undefined && { state }) };
  const { items } = await client.perform(listModelJobsOperation, request);
  const { terminal } = context;
  if (context.globals.output === 'name') terminal.out(items.map(({ id }) => `${id}\n`).join(''));
  else if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  else if (items.length === 0) remark(context, 'No batch jobs. Start one with `dais batch-predict`.');
  else {
    const rows = items.map((job) => [
      { text: job.id },
      { text: job.kind },
      { text: `${job.model}/${job.version}` },
      { text: job.data ?? '' },
      { text: job.state },
      { text: outcome(job) },
      { text: age(new Date(job.createdAt).toISOString(), context.now()) },
    ]);
    const heads = ['id', 'kind', 'model', 'data', 'state', 'progress', 'age'];
    terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};

export const getJob: Run<{ readonly wait?: true }> = async (context, [id = ''], { wait = false }) => {
  const client = await context.connect();
  return await follow(context, client, await client.perform(readModelJobOperation, { id }), wait);
};

export const cancelJob: Run = async (context, [id = '']) => {
  const client = await context.connect();
  const job = await client.perform(cancelModelJobOperation, { id });
  if (!(await printedForPrograms(context, job))) context.terminal.out(`${id} ends in a moment.\n`);
  return exitCodes.ok.code;
};

export const rejects: Run = async (context, [id = '']) => {
  const client = await context.connect();
  const { bytes } = await client.download(readModelJobRejectsOperation, { id }, { signal: context.signal });
  const decoder = new TextDecoder();
  for await (const chunk of bytes) context.terminal.out(decoder.decode(chunk, { stream: true }));
  return exitCodes.ok.code;
};
