/** `dais labels list`, `create`, `guideline` and `publish`. */
import { countNoun } from '@dais/api';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  addGuidelineOperation,
  createLabelSetOperation,
  listLabelSetsOperation,
  publishLabelsOperation,
  readPublicationOperation,
  type LabelSet,
} from '@dais/api/data';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

const POLL_MS = 300;

export const listSets: Run = async (context) => {
  const client = await context.connect();
  const items: LabelSet[] = [];
  for (let cursor: string | undefined, more = true; more;) {
    const page = await client.perform(listLabelSetsOperation, { limit: 1000, ...(cursor !== undefined && { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
    more = cursor !== undefined;
  }
  const { terminal } = context;
  if (context.globals.output === 'name') terminal.out(items.map(({ name }) => `${name}\n`).join(''));
  else if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  else if (items.length === 0) remark(context, 'No label sets. Create one with `dais labels create`.');
  else {
    const rows = items.map((one) => [
      { text: one.name },
      { text: one.version ?? one.dataset },
      { text: String(one.tasks) },
      { text: String(one.annotations) },
      { text: String(one.accepted) },
      { text: one.guideline === 0 ? '' : String(one.guideline) },
    ]);
    const heads = ['name', 'dataset', 'tasks', 'labels', 'accepted', 'guideline'];
    terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  }
  return exitCodes.ok.code;
};

interface CreateOptions {
  readonly dataset: string;
  readonly control?: string;
  readonly level: LabelSet['level'];
}

export const createSet: Run<CreateOptions> = async (context, [name = ''], { dataset, control, level }) => {
  const client = await context.connect();
  const input = { name, dataset, level, ...(control !== undefined && { control }) };
  const made = await client.perform(createLabelSetOperation, input);
  if (!(await printedForPrograms(context, made)))
    context.terminal.out(`Label set ${made.name} created for ${made.version ?? made.dataset}.\n`);
  return exitCodes.ok.code;
};

export const addGuideline: Run = async (context, [set = '', file = '']) => {
  const bytes = file === '-' ? await context.readStdin() : await readFile(resolve(context.workingFolder, file));
  const client = await context.connect();
  const made = await client.perform(addGuidelineOperation, { set, text: bytes.toString('utf8') });
  if (!(await printedForPrograms(context, made))) {
    context.terminal.out(`New labels use version ${made.number} of the guideline.\n`);
  }
  return exitCodes.ok.code;
};

interface PublishOptions {
  readonly dataset?: string;
  readonly message?: string;
  readonly wait: boolean;
}

export const publish: Run<PublishOptions> = async (context, [set = ''], { dataset, message = '', wait }) => {
  const client = await context.connect();
  const input = { set, message, ...(dataset !== undefined && { dataset }) };
  let result = await client.perform(publishLabelsOperation, input);
  while (result.state === 'pending') {
    if (!wait) break;
    await sleep(POLL_MS, undefined, { signal: context.signal });
    result = await client.perform(readPublicationOperation, { set, publication: result.id });
  }
  if (!(await printedForPrograms(context, result))) {
    const text = {
      pending: `Creating a version of ${result.dataset} from ${countNoun(result.labels, 'label')}.`,
      succeeded: `${result.dataset}@${result.version ?? 0} has ${countNoun(result.labels, 'accepted label')} of ${set}.`,
      failed: `Creating a version of ${result.dataset} failed: ${result.error ?? 'no error message'}`,
    }[result.state];
    context.terminal.out(`${text}\n`);
  }
  return result.state === 'failed' ? exitCodes.failed.code : exitCodes.ok.code;
};
