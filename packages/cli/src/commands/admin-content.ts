/** Stored content: the scrub and its damaged objects. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ContentStatus,
  contentStatusOperation,
  countNoun,
  type DaisClient,
  type DamagedContent,
  listDamagedContentOperation,
  scrubContentOperation,
} from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes, type ExitCode } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { bytesText } from '#output/amounts.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

const POLL_MS = 500;
/** Further damaged objects are counted, not listed. */
const LISTED = 1000;

export const content: Run = async (context) => {
  const client = await context.connect();
  const status = await client.perform(contentStatusOperation, {}, { signal: context.signal });
  const items = await damagedObjects(client, context.signal);
  if (await printedForPrograms(context, { ...status, items })) return codeFor(status);
  const { terminal } = context;
  terminal.out(`${passText(status, context.now())}\n`);
  if (items.length > 0) {
    const rows = items.map((object) => [
      { text: object.kind, paint: (style: Context['terminal']['style']) => style.fail },
      { text: bytesText(object.size) },
      { text: object.locator },
      { text: ownersText(object) },
    ]);
    terminal.out(`\n${table(['damage', 'size', 'object', 'used by'], rows, terminal)}`);
    if (items.length < status.damaged) remark(context, `And ${status.damaged - items.length} more.`);
    remark(context, 'Upload the same bytes again, or restore the files from a backup and run `dais admin scrub`.');
  }
  return codeFor(status);
};

interface ScrubOptions {
  readonly wait?: true;
  /** Milliseconds. */
  readonly timeout: number;
}

export const scrub: Run<ScrubOptions> = async (context, _args, options) => {
  const client = await context.connect();
  const started = await client.perform(scrubContentOperation, {}, { signal: context.signal });
  if (options.wait === true) return await waitForPass(context, client, options.timeout);
  if (await printedForPrograms(context, started)) return exitCodes.ok.code;
  context.terminal.out(started.isNew ? 'The scrub started.\n' : 'The scrub was running already.\n');
  remark(context, '`dais admin content` shows its progress.');
  return exitCodes.ok.code;
};

async function waitForPass(context: Context, client: DaisClient, timeoutMs: number): Promise<ExitCode> {
  const end = context.now() + timeoutMs;
  for (;;) {
    const status = await client.perform(contentStatusOperation, {}, { signal: context.signal });
    if (status.state === 'finished') {
      context.terminal.progress('');
      if (!(await printedForPrograms(context, status))) {
        context.terminal.out(`${passText(status, context.now())}\n`);
        if (status.damaged > 0) remark(context, '`dais admin content` lists what is damaged, with its owners.');
      }
      return codeFor(status);
    }
    if (context.now() >= end) {
      context.terminal.err(`${passText(status, context.now())} The scrub continues.\n`);
      return exitCodes.timedOut.code;
    }
    context.terminal.progress(passText(status, context.now()));
    await sleep(POLL_MS, undefined, { signal: context.signal });
  }
}

export async function damagedObjects(client: DaisClient, signal: AbortSignal): Promise<DamagedContent[]> {
  const items: DamagedContent[] = [];
  for (let cursor: string | undefined; ;) {
    const input = { limit: 200, ...(cursor !== undefined && { cursor }) };
    const page = await client.perform(listDamagedContentOperation, input, { signal });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined || items.length >= LISTED) return items;
  }
}

export function damagedText(object: DamagedContent): string {
  return `${object.locator} is ${object.kind}, used by ${ownersText(object)}`;
}

function ownersText({ owners }: DamagedContent): string {
  const names = owners.map(({ kind, name, project, file }) => {
    const part = file === name ? '' : `, file ${file}`;
    return `${kind} ${name} of project ${project}${part}`;
  });
  return names.length === 0 ? 'nothing (unused)' : names.join('; ');
}

export function passText(status: ContentStatus, now: number): string {
  const { state, objects, totalObjects, bytes, totalBytes, damaged, startedAt, finishedAt } = status;
  const isDamaged = damaged === 0 ? 'no damage' : `${countNoun(damaged, 'object')} damaged`;
  if (state === 'never')
    return `Stored content was never checked as a whole; ${damaged === 0 ? 'no damage is known' : isDamaged}.`;
  if (state === 'finished') {
    const when = finishedAt === undefined ? '' : ` ${age(finishedAt, now)} ago`;
    return `${countNoun(objects, 'object')} (${bytesText(bytes)}) checked${when}; ${isDamaged}.`;
  }
  const percent = Math.floor((100 * bytes) / Math.max(totalBytes, 1));
  const since = startedAt === undefined ? '' : `, started ${age(startedAt, now)} ago`;
  const of = `${objects} of ${countNoun(totalObjects, 'object')} (${bytesText(bytes)}, ${Math.min(percent, 100)} %)`;
  return `${of} checked${since}; ${isDamaged}.`;
}

function codeFor({ damaged }: ContentStatus): ExitCode {
  return damaged === 0 ? exitCodes.ok.code : exitCodes.failed.code;
}
