/** `dais data push`, `refresh` and `rejects`. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { countNoun, type DaisClient, DaisError } from '@dais/api';
import {
  beginPushOperation,
  commitPushOperation,
  listIngestsOperation,
  readIngestOperation,
  readRejectsOperation,
  refreshDatasetOperation,
  uploadPushedFileOperation,
  type Ingest,
} from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { bytesText } from '#output/amounts.ts';
import { barText } from '#output/progress-bar.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { printable } from '#output/width.ts';
import { printGate } from './quality.ts';
import { findFiles, withDigests, type LocalFile } from './local-files.ts';

/** Number of parallel uploads. */
const UPLOADS = 6;
const POLL_MS = 250;
/** Number of printed problems; the JSON has all of them. */
const SHOWN = 20;

interface PushOptions {
  readonly message?: string;
  readonly tag?: readonly string[];
  readonly keepRejects?: true;
  readonly create: boolean;
  readonly wait: boolean;
}

export const push: Run<PushOptions> = async (context, [name = '', ...given], options) => {
  const files = await withDigests(context, await findFiles(context, given));
  const client = await context.connect();
  const begun = await client.perform(
    beginPushOperation,
    {
      name,
      files: files.map(({ name: file, bytes, sha256 }) => ({ name: file, bytes, sha256 })),
      message: options.message ?? '',
      tags: [...(options.tag ?? [])],
      invalidRows: options.keepRejects === true ? 'keep' : 'refuse',
      create: options.create,
    },
    { idempotencyKey: randomUUID() },
  );
  await sendNeeded(context, client, begun, files);
  const made = await client.perform(commitPushOperation, { name, id: begun.id }, { idempotencyKey: randomUUID() });
  return await printIngest(context, client, made, options.wait);
};

async function sendNeeded(
  context: Context,
  client: DaisClient,
  begun: Ingest,
  files: readonly LocalFile[],
): Promise<void> {
  const from = context.now();
  const byName = new Map(files.map((file) => [file.name, file]));
  let sent = 0;
  let bytes = 0;
  // The server names a thousand at a time.
  for (let needed = begun.needed; needed.length > 0;) {
    const left = [...needed];
    const lane = async (): Promise<void> => {
      for (let file = left.shift(); file !== undefined; file = left.shift()) {
        context.signal.throwIfAborted();
        const local = byName.get(file);
        if (local === undefined) throw new Error(`the server requested the unknown file ${file}`);
        const body = () => Readable.toWeb(createReadStream(local.path)) as ReadableStream<Uint8Array>;
        const input = { name: begun.dataset, id: begun.id, file };
        await client.upload(uploadPushedFileOperation, input, body, { signal: context.signal });
        sent += 1;
        bytes += local.bytes;
        const elapsedMs = context.now() - from;
        context.terminal.progress(
          barText({ what: 'files sent', done: sent, total: Math.max(sent, needed.length), bytes, elapsedMs }),
        );
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: UPLOADS }, lane));
    const failed = lanes.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    ({ needed } = await client.perform(readIngestOperation, { name: begun.dataset, id: begun.id }));
  }
  context.terminal.progress('');
  const known = files.length - sent;
  const stored = known === 0 ? '' : `; ${countNoun(known, 'file')} already stored`;
  remark(context, `Sent ${countNoun(sent, 'file')}, ${bytesText(bytes)}${stored}.`);
}

export const refresh: Run<Pick<PushOptions, 'message' | 'wait'>> = async (context, [name = ''], { message, wait }) => {
  const client = await context.connect();
  const again = { idempotencyKey: randomUUID() };
  const made = await client.perform(refreshDatasetOperation, { name, message: message ?? '' }, again);
  return await printIngest(context, client, made, wait);
};

async function printIngest(context: Context, client: DaisClient, made: Ingest, wait: boolean): Promise<number> {
  const ended = wait ? await follow(context, client, made) : made;
  if (context.globals.output === 'name' && ended.version !== undefined) {
    context.terminal.out(`${ended.dataset}@${ended.version}\n`);
  } else if (!(await printedForPrograms(context, ended))) printResult(context, ended);
  if (ended.state === 'failed') return exitCodes.invalid.code;
  if (wait && ended.version !== undefined) return await printGate(context, client, ended.dataset, ended.version);
  return ended.state === 'canceled' ? exitCodes.failed.code : exitCodes.ok.code;
}

async function follow(context: Context, client: DaisClient, { dataset, id }: Ingest): Promise<Ingest> {
  const from = context.now();
  for (;;) {
    const ingest = await client.perform(readIngestOperation, { name: dataset, id }, { signal: context.signal });
    if (ingest.endedAt !== undefined) {
      context.terminal.progress('');
      return ingest;
    }
    const elapsedMs = context.now() - from;
    const bar = barText({
      what: ingest.phase || 'pending',
      done: Math.floor(ingest.done * 100),
      total: 100,
      bytes: 0,
      elapsedMs,
    });
    context.terminal.progress(bar.replace(/ \d+ of 100 /, ' '));
    await setTimeout(POLL_MS, undefined, { signal: context.signal });
  }
}

function printResult(context: Context, ingest: Ingest): void {
  const { terminal } = context;
  const { dataset, version, problems, rejects } = ingest;
  for (const { file, line, column, value, message, remedy } of problems.slice(0, SHOWN)) {
    const path = [file, line, column].filter((part) => part !== undefined).join(':');
    const shown = value === undefined ? '' : ` (${JSON.stringify(value)})`;
    const text = `${path === '' ? '' : `${path}: `}${message}${shown}${remedy === undefined ? '' : ` ${remedy}`}`;
    terminal.err(`${printable(text)}\n`);
  }
  if (problems.length > SHOWN) terminal.err(`and ${problems.length - SHOWN} more; all of them with -o json\n`);
  if (rejects > 0) {
    terminal.err(`${countNoun(rejects, 'row')} could not be read: dais data rejects ${dataset} ${ingest.id}\n`);
  }
  if (ingest.state === 'failed') terminal.err(`${terminal.errStyle.fail('error:')} No version was created.\n`);
  else if (ingest.state === 'canceled') terminal.out(`Canceled.\n`);
  else if (version === undefined)
    terminal.out(`A version of ${dataset} is being created. List it with: dais data versions ${dataset}\n`);
  else if (ingest.unchanged) terminal.out(`No new data: ${dataset}@${version} is identical. No version was created.\n`);
  else terminal.out(`${dataset}@${version}\n`);
}

export const rejects: Run = async (context, [name = '', push]) => {
  const client = await context.connect();
  const id = push ?? (await latest(client, name));
  const { bytes } = await client.download(readRejectsOperation, { name, id }, { signal: context.signal });
  const decoder = new TextDecoder();
  for await (const chunk of bytes) context.terminal.out(decoder.decode(chunk, { stream: true }));
  return exitCodes.ok.code;
};

async function latest(client: DaisClient, name: string): Promise<string> {
  const { items } = await client.perform(listIngestsOperation, { name, limit: 100 });
  const found = items.find((one) => one.rejects > 0);
  if (found === undefined) throw new DaisError('not_found', `No push to ${name} has rejected rows.`);
  return found.id;
}
