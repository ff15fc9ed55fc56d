/** `dais features get`. */
import { DaisError } from '@dais/api';
import { readFeaturesOperation } from '@dais/api/data';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';
import { readSelection, type SelectionOptions } from './selection.ts';

export const getFeatures: Run<SelectionOptions> = async (context, keys, options) => {
  const entities = readKeys(keys);
  const client = await context.connect();
  const answer = await client.perform(readFeaturesOperation, { ...readSelection(options), entities, fullNames: true });
  if (await printedForPrograms(context, answer)) return exitCodes.ok.code;
  const { terminal } = context;
  const names = Object.keys(entities);
  const count = Object.values(entities)[0]?.length ?? 0;
  const rows = Array.from({ length: count }, (_, at) => at).flatMap((at) =>
    answer.features.map((one) => [
      { text: names.map((name) => `${name}=${textOf(entities[name]?.[at])}`).join(' ') },
      { text: `${one.view}:${one.feature}` },
      { text: one.statuses[at] === 'PRESENT' ? textOf(one.values[at]) : '' },
      { text: one.statuses[at] ?? '' },
      { text: one.eventTimes[at] ?? '' },
    ]),
  );
  terminal.out(
    table(['entity', 'feature', 'value', 'status', 'since'], rows, {
      style: terminal.style,
      columns: terminal.columns,
    }),
  );
  return exitCodes.ok.code;
};

/** `code=FRA,MUC`: valid JSON is parsed, other text is taken literally. */
function readKeys(keys: readonly string[]): Record<string, unknown[]> {
  return Object.fromEntries(
    keys.map((key) => {
      const at = key.indexOf('=');
      if (at < 1) throw new DaisError('invalid_request', `"${key}" is not a join key. Use NAME=VALUE.`);
      return [
        key.slice(0, at),
        key
          .slice(at + 1)
          .split(',')
          .map(valueOf),
      ] as const;
    }),
  );
}

function valueOf(text: string): unknown {
  if (/^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return Number(text);
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
