/** `dais predictions explain`. */
import { countNoun } from '@dais/api';
import { explainPredictionOperation } from '@dais/api/serving';
import type { Run } from '#context.ts';
import { cellText } from '#data/rows.ts';
import { exitCodes } from '#exit-codes.ts';
import { numberText } from '#output/amounts.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';

/** Above this difference, the contributions do not add up to the total within the precision of a model. */
const GAP = 1e-4;

export const explain: Run<{ readonly number?: number; readonly top: number }> = async (
  context,
  [endpoint = '', id = ''],
  { number, top },
) => {
  const client = await context.connect();
  const request = { endpoint, id, ...(number !== undefined && { output: number }) };
  const result = await client.perform(explainPredictionOperation, request, { signal: context.signal });
  if (await printedForPrograms(context, result)) return exitCodes.ok.code;
  const { terminal } = context;
  const seed = result.seed === undefined ? '' : `, seed ${result.seed}`;
  const scale = result.scale === 'margin' ? ', on the margin scale' : '';
  const compared = `compared with ${countNoun(result.background, 'row')} of the input example`;
  terminal.out(`${result.model}/${result.version}, method ${result.method}${scale}, ${compared}${seed}\n`);
  for (const { row, output, base, answer, error, gap, contributions } of result.rows) {
    terminal.out(`\nrow ${row}, output ${output}\n`);
    const shown = contributions.slice(0, top);
    const rest = contributions.slice(top).reduce((sum, one) => sum + one.contribution, 0);
    const rows = shown.map((one) => [
      { text: one.feature },
      { text: cellText(one.value) },
      { text: numberText(one.contribution) },
    ]);
    const others = contributions.length - shown.length;
    if (others > 0) rows.push([{ text: `${others} others` }, { text: '' }, { text: numberText(rest) }]);
    terminal.out(table(['input', 'value', 'contribution'], rows, { style: terminal.style, columns: terminal.columns }));
    const adds =
      Math.abs(gap) <= GAP * Math.max(1, Math.abs(answer))
        ? 'contributions add up'
        : `${numberText(gap)} is not explained`;
    const about = error === null || error === 0 ? '' : `, ± ${(100 * error).toFixed(1)} %`;
    terminal.out(`from ${numberText(base)} to ${numberText(answer)}: ${adds}${about}\n`);
  }
  return exitCodes.ok.code;
};
