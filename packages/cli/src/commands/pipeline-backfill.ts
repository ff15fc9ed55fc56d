/** `dais pipeline backfill`: starts past runs of a schedule. */
import { countNoun, DaisError } from '@dais/api';
import { backfillRecurrenceOperation } from '@dais/api/executions';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

interface BackfillOptions {
  readonly from: string;
  readonly to?: string;
}

export const backfill: Run<BackfillOptions> = async (context, [name = ''], options) => {
  const from = readTime('--from', options.from);
  const to = options.to === undefined ? context.now() : readTime('--to', options.to);
  const client = await context.connect();
  const { uid } = (await client.get('Schedule', name)).metadata;
  const { times } = await client.perform(backfillRecurrenceOperation, { id: uid, from, to });
  const texts = times.map((time) => new Date(time).toISOString());
  if (await printedForPrograms(context, { times: texts })) return exitCodes.ok.code;
  if (times.length === 0) context.terminal.out('Nothing to backfill.\n');
  else
    context.terminal.out(
      `${countNoun(times.length, 'run')} will start:\n${texts.map((text) => `  ${text}\n`).join('')}`,
    );
  return exitCodes.ok.code;
};

/** A day starts in UTC. */
function readTime(option: string, text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T[0-9:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  const detail = `${option} does not take "${text}": give it 2026-11-01 or 2026-11-01T06:00:00Z.`;
  throw new DaisError('invalid_request', detail);
}
