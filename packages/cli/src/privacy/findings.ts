/** `dais data findings`, `resolve`, `waive`, `scan` and `masks`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { countNoun, type DaisClient, DaisError, type MaskMethod } from '@dais/api';
import {
  listAllFindingsOperation,
  listFindingsOperation,
  listMasksOperation,
  readScanOperation,
  resolveFindingOperation,
  startScanOperation,
  waiveFindingOperation,
  type DataFinding,
} from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { readReference } from '#data/reference.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

const POLL_MS = 300;

interface ListOptions {
  readonly state?: DataFinding['state'];
  readonly limit: number;
}

export const listFindings: Run<ListOptions> = async (context, [name], { state, limit }) => {
  const client = await context.connect();
  const items = await findingsOf(client, name, { state, limit });
  await show(context, items, name === undefined ? 'No findings.' : `No findings in ${name}.`);
  return exitCodes.ok.code;
};

async function findingsOf(
  client: DaisClient,
  name: string | undefined,
  { state, limit }: { readonly state?: DataFinding['state'] | undefined; readonly limit: number },
): Promise<DataFinding[]> {
  const items: DataFinding[] = [];
  for (let cursor: string | undefined; items.length < limit;) {
    const input = {
      limit: Math.min(limit - items.length, 1000),
      ...(state !== undefined && { state }),
      ...(cursor !== undefined && { cursor }),
    };
    const page =
      name === undefined
        ? await client.perform(listAllFindingsOperation, input)
        : await client.perform(listFindingsOperation, { name, ...input });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  return items;
}

async function show(context: Context, items: readonly DataFinding[], nothing: string): Promise<void> {
  const { terminal } = context;
  if (context.globals.output === 'name') terminal.out(items.map(({ id }) => `${id}\n`).join(''));
  else if (await printedForPrograms(context, { items })) return;
  else if (items.length === 0) remark(context, nothing);
  else {
    const rows = items.map((one) => [
      { text: one.dataset },
      { text: one.column },
      { text: one.entity },
      { text: one.declared && one.state === 'open' ? 'declared' : one.state },
      { text: one.confidence.toFixed(2) },
      { text: one.evidence === 'name' ? 'column name' : `${(one.share * 100).toFixed(one.share < 0.1 ? 1 : 0)} %` },
      { text: one.example ?? '' },
      { text: one.decidedBy?.id ?? '' },
      { text: age(new Date(one.foundAt).toISOString(), context.now()) },
    ]);
    const heads = ['dataset', 'column', 'category', 'state', 'confidence', 'values', 'shape', 'by', 'age'];
    terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  }
}

/** Findings of a column, or the one with this id. @throws DaisError `not_found`. */
async function meant(client: DaisClient, name: string, word: string): Promise<readonly DataFinding[]> {
  const all = await findingsOf(client, name, { limit: 10_000 });
  const found = all.filter(({ id, column, state }) => id === word || (column === word && state !== 'gone'));
  if (found.length > 0) return found;
  throw new DaisError('not_found', `No findings in column ${word} of ${name}. See dais data findings ${name}.`);
}

export const resolve: Run<{ readonly mask: MaskMethod; readonly reason?: string }> = async (
  context,
  [name = '', word = ''],
  { mask, reason = '' },
) => {
  const client = await context.connect();
  const done: DataFinding[] = [];
  for (const { id } of await meant(client, name, word))
    done.push(await client.perform(resolveFindingOperation, { name, finding: id, mask, reason }));
  await show(context, done, '');
  return exitCodes.ok.code;
};

export const waive: Run<{ readonly reason: string; readonly days?: number }> = async (
  context,
  [name = '', word = ''],
  { reason, days },
) => {
  const client = await context.connect();
  const done: DataFinding[] = [];
  for (const { id } of await meant(client, name, word)) {
    const input = { name, finding: id, reason, ...(days !== undefined && { days }) };
    done.push(await client.perform(waiveFindingOperation, input));
  }
  await show(context, done, '');
  return exitCodes.ok.code;
};

export const scan: Run<{ readonly wait: boolean }> = async (context, [reference = ''], { wait }) => {
  const client = await context.connect();
  const which = readReference(reference);
  let result = await client.perform(startScanOperation, which);
  const input = { name: which.name, version: String(result.version) };
  while (result.state === 'pending') {
    if (!wait) break;
    await sleep(POLL_MS, undefined, { signal: context.signal });
    result = await client.perform(readScanOperation, input);
  }
  if (!(await printedForPrograms(context, result))) {
    const searched = `${countNoun(result.columns, 'column')} and ${countNoun(result.rows, 'row')} of ${result.dataset}@${result.version}`;
    const text = {
      pending: `Scan of ${result.dataset}@${result.version} started.`,
      succeeded: `Scanned ${searched}: ${countNoun(result.findings, 'finding')}.`,
      failed: `Scan of ${result.dataset}@${result.version} failed: ${result.error ?? 'no error message'}`,
    }[result.state];
    context.terminal.out(`${text}\n`);
  }
  return result.state === 'failed' ? exitCodes.failed.code : exitCodes.ok.code;
};

export const masks: Run = async (context, [name = '']) => {
  const client = await context.connect();
  const result = await client.perform(listMasksOperation, { name });
  if (await printedForPrograms(context, result)) return exitCodes.ok.code;
  const { terminal } = context;
  if (result.items.length === 0) remark(context, `No masked columns in ${name}.`);
  else {
    const rows = result.items.map((one) => [
      { text: one.column },
      { text: one.method },
      { text: one.category },
      { text: one.source === 'declared' ? 'manifest' : 'finding' },
    ]);
    terminal.out(
      table(['column', 'mask', 'category', 'source'], rows, { style: terminal.style, columns: terminal.columns }),
    );
  }
  return exitCodes.ok.code;
};
