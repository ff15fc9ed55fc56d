/** `dais features list`. */
import { listFeatureViewStatesOperation, type FeatureViewState } from '@dais/api/data';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

export const listFeatures: Run = async (context) => {
  const client = await context.connect();
  const items: FeatureViewState[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await client.perform(listFeatureViewStatesOperation, {
      limit: 1000,
      ...(cursor !== undefined && { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  const { terminal } = context;
  if (context.globals.output === 'name') terminal.out(items.map(({ name }) => `${name}\n`).join(''));
  else if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  else if (items.length === 0)
    remark(context, 'No feature views. Create one from a manifest; see `dais explain FeatureView`.');
  else {
    const rows = items.map((one) => [
      { text: one.name },
      { text: one.entities.join(', ') },
      { text: one.source },
      { text: String(one.features.length) },
      { text: one.ttl },
      { text: one.materializedTo === undefined ? '' : age(one.materializedTo, context.now()) },
      { text: one.online ? one.onlineEntities.toLocaleString('en-US') : 'off' },
      { text: one.services.join(', ') },
    ]);
    const heads = ['view', 'entities', 'source', 'features', 'ttl', 'age', 'online keys', 'services'];
    terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};
