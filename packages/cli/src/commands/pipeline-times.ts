/** `dais pipeline times`: future starts of a schedule, and results of past ones. */
import { listFiresOperation, listTimesOperation, readRecurrenceOperation } from '@dais/api/executions';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';

interface TimesOptions {
  readonly count: number;
}

export const times: Run<TimesOptions> = async (context, [name = ''], { count }) => {
  const client = await context.connect();
  const { uid: id } = (await client.get('Schedule', name)).metadata;
  const [{ enabled }, ahead, { items }] = await Promise.all([
    client.perform(readRecurrenceOperation, { id }),
    client.perform(listTimesOperation, { id, count }),
    client.perform(listFiresOperation, { id, limit: count }),
  ]);
  const next = ahead.times.map(text);
  const latest = items.map(({ at, state, run, error }) => ({
    at: text(at),
    state,
    ...(run !== undefined && { run }),
    ...(error !== undefined && { error }),
  }));
  if (await printedForPrograms(context, { enabled, next, latest })) return exitCodes.ok.code;
  const { terminal } = context;
  const { style, columns } = terminal;
  if (!enabled) terminal.out('The schedule is suspended. Nothing starts at these times.\n');
  if (next.length === 0) terminal.out('No further start times.\n');
  else {
    const now = context.now();
    // Formats the distance of a future time like an age.
    const rows = next.map((time) => [{ text: time }, { text: age(new Date(now).toISOString(), Date.parse(time)) }]);
    terminal.out(table(['next', 'in'], rows, { style, columns }));
  }
  if (latest.length > 0) {
    const rows = latest.map(({ at, state, run = '', error = '' }) =>
      [at, state, run, error].map((one) => ({ text: one })),
    );
    terminal.out(`\n${table(['scheduled for', 'state', 'job', 'message'], rows, { style, columns })}`);
  }
  return exitCodes.ok.code;
};

const text = (time: number) => new Date(time).toISOString();
