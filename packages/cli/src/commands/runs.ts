/** `dais runs` and `dais logs`: executions and their output. */
import {
  cancelExecutionOperation,
  listExecutionsOperation,
  readExecutionOperation,
  type Execution,
} from '@dais/api/executions';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { printLog } from '#runs/follow-run.ts';

interface ListOptions {
  readonly state?: Execution['state'];
  readonly name?: string;
  readonly limit: number;
}

export const listRuns: Run<ListOptions> = async (context, _args, { state, name, limit }) => {
  const client = await context.connect();
  const items: Execution[] = [];
  for (let cursor: string | undefined; items.length < limit;) {
    const page = await client.perform(listExecutionsOperation, {
      limit: Math.min(limit - items.length, 1000),
      ...(state !== undefined && { state }),
      ...(name !== undefined && { name }),
      ...(cursor !== undefined && { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  if (context.globals.output === 'name') context.terminal.out(items.map(({ id }) => `${id}\n`).join(''));
  else if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  else if (items.length === 0) remark(context, 'No jobs found. Start one with `dais run -- COMMAND`.');
  else {
    const { terminal } = context;
    const rows = items.map((run) => [
      { text: run.id },
      { text: run.name },
      { text: run.cancelRequested && run.endedAt === undefined ? `${run.state}, canceling` : run.state },
      { text: run.submittedBy },
      { text: age(new Date(run.createdAt).toISOString(), context.now()) },
    ]);
    const heads = ['job', 'name', 'state', 'by', 'age'];
    terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};

interface LogsOptions {
  readonly follow?: true;
  readonly step?: string;
}

export const showLogs: Run<LogsOptions> = async (context, [id = ''], { follow = false, step }) => {
  const client = await context.connect();
  await printLog(context, client, { id, node: step, follow });
  return context.signal.aborted ? exitCodes.interrupted.code : exitCodes.ok.code;
};

export const cancelRun: Run = async (context, [id = '']) => {
  const client = await context.connect();
  const requested = await client.perform(cancelExecutionOperation, { id });
  const run = requested.endedAt === undefined ? requested : await client.perform(readExecutionOperation, { id });
  if (await printedForPrograms(context, run)) return exitCodes.ok.code;
  const text = run.endedAt === undefined ? 'is being canceled' : `ended: ${run.state}`;
  context.terminal.out(`Job ${id} ${text}.\n`);
  return exitCodes.ok.code;
};
