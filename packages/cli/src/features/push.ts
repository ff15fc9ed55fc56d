/** `dais features push`. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { countNoun, DaisError } from '@dais/api';
import { pushFeaturesOperation } from '@dais/api/data';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

export const pushFeatures: Run<{ readonly to: 'online' | 'offline' | 'both' }> = async (
  context,
  [view = '', file = ''],
  { to },
) => {
  const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  let rows: unknown;
  try {
    rows = JSON.parse(content);
  } catch {
    throw new DaisError('invalid_request', `${file} is not valid JSON. Expected {"column": [value, …], …}.`);
  }
  const client = await context.connect();
  const answer = await client.perform(pushFeaturesOperation, { view, rows: rows as Record<string, unknown[]>, to });
  if (await printedForPrograms(context, answer)) return exitCodes.ok.code;
  const later = answer.version === undefined ? '' : '; a new dataset version is being created';
  const newer = to === 'offline' ? '' : `, ${answer.written} with newer values`;
  context.terminal.out(`${countNoun(answer.rows, 'row')} pushed to ${view}${newer}${later}.\n`);
  return exitCodes.ok.code;
};
