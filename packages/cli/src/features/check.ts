/** `dais features check`. */
import { checkFeaturesOperation } from '@dais/api/data';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { readSelection, type SelectionOptions } from './selection.ts';

export const checkFeatures: Run<SelectionOptions & { readonly sample: number }> = async (
  context,
  _,
  { sample, ...options },
) => {
  const client = await context.connect();
  const report = await client.perform(checkFeaturesOperation, { ...readSelection(options), sample });
  const differs = report.features.some((one) => one.different + one.onlyOnline + one.onlyOffline > 0);
  const code = differs ? exitCodes.failed.code : exitCodes.ok.code;
  if (await printedForPrograms(context, report)) return code;
  const { terminal } = context;
  const rows = report.features.map((one) => [
    { text: `${one.view}:${one.feature}` },
    ...[one.same, one.different, one.onlyOnline, one.onlyOffline].map((n) => ({ text: n.toLocaleString('en-US') })),
    { text: one.examples[0] === undefined ? '' : JSON.stringify(one.examples[0].entity) },
  ]);
  terminal.out(
    table(['feature', 'same', 'different', 'only online', 'only offline', 'example'], rows, {
      style: terminal.style,
      columns: terminal.columns,
    }),
  );
  remark(context, differs ? 'Online and offline values differ.' : `${report.entities} entities: no differences.`);
  return code;
};
