/** `dais predictions export` and `label`. */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { countNoun, type DaisClient, DaisError } from '@dais/api';
import { exportPredictionsOperation, labelPredictionsOperation, MOST_LABELS } from '@dais/api/serving';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { csvRows } from './csv-rows.ts';

const PAGE = 200;

export const exportEvents: Run<{ readonly since?: number }> = async (context, [endpoint = '', file], { since }) => {
  const client = await context.connect();
  const from = since === undefined ? {} : { from: context.now() - since };
  const lines = eventLines(client, { endpoint, ...from });
  if (file === undefined) for await (const line of lines) context.terminal.out(line);
  else await pipeline(Readable.from(lines), createWriteStream(resolve(context.workingFolder, file)));
  return exitCodes.ok.code;
};

async function* eventLines(client: DaisClient, of: { readonly endpoint: string; readonly from?: number }) {
  for (let after: string | undefined, more = true; more;) {
    const input = { ...of, limit: PAGE, ...(after !== undefined && { after }) };
    const page = await client.perform(exportPredictionsOperation, input);
    for (const event of page.events) yield `${JSON.stringify(event)}\n`;
    after = page.after;
    more = after !== undefined;
  }
}

interface LabelOptions {
  readonly key?: string;
  readonly source?: string;
}

export const label: Run<LabelOptions> = async (context, [endpoint = '', file = ''], { key, source = file }) => {
  const bytes = file === '-' ? await context.readStdin() : await readFile(resolve(context.workingFolder, file));
  const labels = labelsIn(csvRows(bytes.toString('utf8')), key, file);
  const client = await context.connect();
  let taken = 0;
  for (let from = 0; from < labels.length; from += MOST_LABELS) {
    const some = labels.slice(from, from + MOST_LABELS);
    taken += (await client.perform(labelPredictionsOperation, { endpoint, labels: some, source })).taken;
  }
  if (!(await printedForPrograms(context, { taken }))) context.terminal.out(`${countNoun(taken, 'label')} recorded.\n`);
  return exitCodes.ok.code;
};

/**
 * @throws DaisError `invalid_request` with the invalid line.
 */
function labelsIn(lines: readonly (readonly string[])[], key: string | undefined, file: string) {
  const [head = [], ...rows] = lines;
  const locate = (name: string): number => {
    const at = head.indexOf(name);
    if (at >= 0) return at;
    const there = head.join(', ');
    throw new DaisError('invalid_request', `${file} has no column ${name}. Its columns: ${there}.`);
  };
  const value = locate('label');
  const of = locate(key ?? 'prediction_id');
  const row = key === undefined ? head.indexOf('row') : -1;
  return rows.map((cells, index) => {
    const number = row < 0 ? 0 : Number(cells[row]);
    if (cells.length !== head.length || !Number.isSafeInteger(number) || number < 0) {
      const detail = `Line ${index + 2} of ${file} has ${cells.length} fields, or a row that is not a number.`;
      throw new DaisError('invalid_request', detail);
    }
    const named = cells[of] ?? '';
    const target = key === undefined ? { prediction: named } : { key: { column: key, value: named } };
    return { ...target, row: number, value: cells[value] ?? '' };
  });
}
