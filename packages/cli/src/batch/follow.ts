/** Follows a job on a model version to its end and prints its result. */
import { countNoun } from '@dais/api';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaisClient } from '@dais/api';
import { modelConversionSchema, readModelJobOperation, type ModelJob } from '@dais/api/serving';
import type { Context } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';

const POLL_MS = 300;

function hasEnded({ endedAt }: ModelJob): boolean {
  return endedAt !== undefined;
}

/** The ended job. */
export async function waitFor(context: Context, client: DaisClient, begun: ModelJob): Promise<ModelJob> {
  let job = begun;
  while (!hasEnded(job)) {
    await sleep(POLL_MS, undefined, { signal: context.signal });
    job = await client.perform(readModelJobOperation, { id: job.id });
  }
  return job;
}

export async function follow(context: Context, client: DaisClient, begun: ModelJob, wait: boolean): Promise<number> {
  const job = wait ? await waitFor(context, client, begun) : begun;
  const failed = job.state === 'failed' || job.state === 'canceled';
  const code = failed ? exitCodes.failed.code : exitCodes.ok.code;
  if (context.globals.output === 'name') context.terminal.out(`${job.id}\n`);
  else if (!(await printedForPrograms(context, job))) {
    printJob(context, job);
    if (!hasEnded(job)) remark(context, `dais batch get ${job.id} --wait: follow it`);
  }
  return code;
}

function progressText({ state, phase, shards, rows }: ModelJob): string {
  if (state === 'pending') return 'pending';
  const share = rows.total === 0 ? 0 : Math.floor((100 * rows.done) / rows.total);
  return `${share} % of ${countNoun(rows.total, 'row')}, part ${shards.done} of ${shards.total}${phase === '' ? '' : ` (${phase})`}`;
}

/** The result in one sentence. */
export function outcome(job: ModelJob): string {
  const { model, version, rows, output } = job;
  switch (job.state) {
    case 'succeeded': {
      if (job.kind === 'conversion') return converted(job);
      const made = output?.version === undefined ? '' : `${output.dataset}@${output.version}: `;
      return `${made}${countNoun(rows.done - rows.rejected, 'row')} by ${model}/${version}.`;
    }
    case 'failed':
      return `Failed: ${job.error ?? 'no error message'}`;
    case 'canceled':
      return 'Canceled.';
    default:
      return `${model}/${version}: ${progressText(job)}`;
  }
}

function converted({ model, version, result }: ModelJob): string {
  const made = modelConversionSchema.parse(result);
  const rows = countNoun(made.rows, 'row');
  return `${made.model}/${made.version}: ONNX conversion of ${model}/${version}, equal on ${rows} (${made.examples} of the input example).`;
}

function printJob({ terminal }: Context, job: ModelJob): void {
  if (job.state === 'failed') terminal.err(`${outcome(job)}\n`);
  else terminal.out(`${outcome(job)}\n`);
  if (job.rows.rejected > 0) {
    const kept = job.state === 'succeeded' ? `: dais batch rejects ${job.id}` : '';
    terminal.err(`${countNoun(job.rows.rejected, 'row')} rejected by the model${kept}\n`);
  }
  for (const { row, column, message } of job.problems) {
    terminal.err(`  row ${row}${column === undefined ? '' : `, ${column}`}: ${message}\n`);
  }
}
