/** `dais data diff`. */
import { countNoun, DaisError } from '@dais/api';
import { diffDatasetVersionsOperation, type DatasetDiff as Diff } from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';
import { readReference } from './reference.ts';
import { cellText } from './rows.ts';

/** `diff A B` shows the changes from A to B, as `git diff` does; `diff A` those from the ready version before A to A. */
export const diff: Run<{ readonly samples: number }> = async (context, [first = '', second], { samples }) => {
  const client = await context.connect();
  const from = readReference(first);
  const input =
    second === undefined ? from : { name: from.name, version: secondVersion(from.name, second), from: from.version };
  const result = await client.perform(diffDatasetVersionsOperation, { ...input, samples });
  if (!(await printedForPrograms(context, result))) show(context, result);
  return exitCodes.ok.code;
};

/** `3`, a tag, or `flights@3` with the same dataset. @throws DaisError `invalid_request` for another dataset. */
function secondVersion(dataset: string, text: string): string {
  if (!text.includes('@')) return text;
  const { name, version } = readReference(text);
  if (name === dataset) return version;
  throw new DaisError(
    'invalid_request',
    `\`dais data diff\` compares versions of one dataset, and ${name} is not ${dataset}. Compare two datasets with \`dais data sql\`.`,
  );
}

function show(context: Context, reported: Diff): void {
  const { terminal } = context;
  const { dataset, from, to, rows, schema, samples } = reported;
  terminal.out(`${dataset}@${from} -> ${dataset}@${to}${reported.identical ? ': identical data' : ''}\n`);
  for (const { name, after } of schema.added) terminal.out(`  + column ${name} ${after ?? ''}\n`);
  for (const { name, before } of schema.removed) terminal.out(`  - column ${name} ${before ?? ''}\n`);
  for (const { name, before, after } of schema.changed)
    terminal.out(`  ~ column ${name} ${before ?? ''} -> ${after ?? ''}\n`);
  const changed = reported.keys.length === 0 ? '' : `, ${countNoun(rows.changed, 'row')} changed`;
  const counts = `${rows.before.toLocaleString('en-US')} -> ${countNoun(rows.after, 'row')}`;
  terminal.out(
    `  ${counts}: ${rows.added.toLocaleString('en-US')} added, ${rows.removed.toLocaleString('en-US')} removed${changed}\n`,
  );
  if (reported.changedColumns.length > 0) {
    const named = reported.changedColumns
      .slice(0, 10)
      .map(({ name, rows: n }) => `${name} (${n.toLocaleString('en-US')})`);
    terminal.out(`  changed columns: ${named.join(', ')}\n`);
  }
  sample(context, 'added', samples.columns, samples.added);
  sample(context, 'removed', samples.columns, samples.removed);
  sample(context, 'changed', samples.changedColumns, samples.changed);
  const moved = reported.distribution.filter(({ nulls, distinct, mean }) => {
    return nulls[0] !== nulls[1] || distinct[0] !== distinct[1] || (mean !== undefined && mean[0] !== mean[1]);
  });
  if (moved.length === 0) return;
  const figure = (pair: readonly (number | null)[] | undefined) =>
    pair === undefined
      ? ''
      : pair.map((one) => (one === null ? '-' : Number(one.toPrecision(5)).toString())).join(' -> ');
  const cells = moved.map(({ name, nulls, distinct, mean, deviation }) => [
    { text: name },
    { text: nulls.map((share) => `${(share * 100).toFixed(1)} %`).join(' -> ') },
    { text: distinct.join(' -> ') },
    { text: figure(mean) },
    { text: figure(deviation) },
  ]);
  terminal.out('\n');
  const heads = ['column', 'without value', 'distinct', 'mean', 'deviation'];
  terminal.out(table(heads, cells, { style: terminal.style, columns: terminal.columns }));
}

function sample(
  { terminal }: Context,
  what: string,
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
): void {
  if (rows.length === 0) return;
  terminal.out(`\n${what}:\n`);
  const cells = rows.map((row) => row.map((value) => ({ text: cellText(value) })));
  terminal.out(table(columns, cells, { style: terminal.style, columns: terminal.columns }));
}
