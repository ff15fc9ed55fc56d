/** `dais data versions`, `tag`, `restore` and `delete`. */
import {
  deleteDatasetVersionOperation,
  listDatasetVersionsOperation,
  restoreDatasetVersionOperation,
  tagDatasetVersionOperation,
  untagDatasetVersionOperation,
  type DatasetVersion,
} from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { bytesText } from '#output/amounts.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';
import { readReference, readVersionReference } from './reference.ts';

interface ListOptions {
  readonly state?: DatasetVersion['state'];
  readonly limit: number;
}

export const listVersions: Run<ListOptions> = async (context, [name = ''], { state, limit }) => {
  const client = await context.connect();
  const items: DatasetVersion[] = [];
  for (let cursor: string | undefined; items.length < limit;) {
    const page = await client.perform(listDatasetVersionsOperation, {
      name,
      limit: Math.min(limit - items.length, 1000),
      ...(state !== undefined && { state }),
      ...(cursor !== undefined && { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  if (context.globals.output === 'name') context.terminal.out(items.map((one) => `${nameOf(one)}\n`).join(''));
  else if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  else if (items.length === 0)
    remark(context, `${name} has no such version. Create one with \`dais data push ${name} FILES\`.`);
  else {
    const { terminal } = context;
    const rows = items.map((one) => [
      { text: String(one.number) },
      { text: one.state },
      { text: one.rows.toLocaleString('en-US') },
      { text: bytesText(one.bytes) },
      { text: bytesText(one.newBytes) },
      { text: one.tags.join(', ') },
      { text: one.createdBy.id },
      { text: age(new Date(one.createdAt).toISOString(), context.now()) },
      { text: one.reason ?? one.message },
    ]);
    const heads = ['version', 'state', 'rows', 'size', 'new', 'tags', 'by', 'age', 'message'];
    terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};

const nameOf = ({ dataset, number }: DatasetVersion) => `${dataset}@${number}`;

async function printVersion(context: Context, version: DatasetVersion, text: string): Promise<number> {
  if (context.globals.output === 'name') context.terminal.out(`${nameOf(version)}\n`);
  else if (!(await printedForPrograms(context, version))) context.terminal.out(`${text}\n`);
  return exitCodes.ok.code;
}

export const tag: Run<{ readonly remove?: true }> = async (context, [reference = '', word = ''], { remove: away }) => {
  const client = await context.connect();
  if (away === true) {
    const { name } = readReference(reference);
    await client.perform(untagDatasetVersionOperation, { name, tag: word });
    if (!(await printedForPrograms(context, {}))) context.terminal.out(`Tag ${word} removed from ${name}.\n`);
    return exitCodes.ok.code;
  }
  const version = await client.perform(tagDatasetVersionOperation, { ...readVersionReference(reference), tag: word });
  return await printVersion(context, version, `${version.dataset}@${word} is version ${version.number}.`);
};

export const restore: Run<{ readonly message?: string }> = async (context, [reference = ''], { message = '' }) => {
  const client = await context.connect();
  const input = { ...readVersionReference(reference), message };
  const version = await client.perform(restoreDatasetVersionOperation, input);
  return await printVersion(context, version, `${nameOf(version)} created from ${reference}.`);
};

export const remove: Run<{ readonly reason?: string }> = async (context, [reference = ''], { reason = '' }) => {
  const client = await context.connect();
  const version = await client.perform(deleteDatasetVersionOperation, { ...readVersionReference(reference), reason });
  return await printVersion(context, version, `${nameOf(version)} deleted.`);
};
