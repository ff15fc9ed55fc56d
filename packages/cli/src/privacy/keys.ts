/** `dais data keys`. */
import { DaisError } from '@dais/api';
import {
  destroyPseudonymKeyOperation,
  listPseudonymKeysOperation,
  rotatePseudonymKeyOperation,
  type PseudonymKey,
} from '@dais/api/data';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

interface KeyOptions {
  readonly rotate?: true;
  readonly dataset?: string;
  readonly destroy?: string;
  readonly reason?: string;
}

export const keys: Run<KeyOptions> = async (context, _words, { rotate, dataset, destroy, reason }) => {
  if (destroy !== undefined && reason === undefined) {
    throw new DaisError('invalid_request', 'Give a reason with --reason. Destroying a key is permanent.');
  }
  const client = await context.connect();
  let items: readonly PseudonymKey[];
  if (destroy !== undefined) {
    items = [await client.perform(destroyPseudonymKeyOperation, { key: destroy, reason: reason ?? '' })];
  } else if (rotate === true) {
    items = [await client.perform(rotatePseudonymKeyOperation, dataset === undefined ? {} : { dataset })];
  } else {
    items = (await client.perform(listPseudonymKeysOperation, { limit: 1000 })).items;
  }
  if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  const { terminal } = context;
  if (items.length === 0) remark(context, 'No keys. The first key is created when a column is masked with it.');
  else {
    const rows = items.map((one) => [
      { text: one.id },
      { text: one.dataset === undefined ? 'pseudonyms of the project' : `hashes of ${one.dataset}` },
      { text: one.state },
      { text: age(new Date(one.createdAt).toISOString(), context.now()) },
    ]);
    terminal.out(table(['key', 'purpose', 'state', 'age'], rows, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};
