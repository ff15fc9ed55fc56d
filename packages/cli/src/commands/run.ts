/** `dais run`: takes the code of the working folder along and runs a command with it on the server. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  DaisError,
  readExecutionOperation,
  submitExecutionOperation,
  uploadForExecutionOperation,
  type DaisClient,
  type SubmitExecutionInput,
} from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { bytesText, countText } from '#output/amounts.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { takeSnapshot, type CodeSnapshot } from '#runs/code-snapshot.ts';
import { followRun } from '#runs/follow-run.ts';
import { stepOf, type StepOptions } from '#runs/step-options.ts';

interface RunOptions extends StepOptions {
  readonly name?: string;
  readonly code: boolean;
  readonly wait: boolean;
  readonly priority?: number;
}

type Code = NonNullable<SubmitExecutionInput['code']>;

/** Files that are on their way at the same time. */
const UPLOADS = 8;

export const run: Run<RunOptions> = async (context, command, options) => {
  const step = await stepOf(command, options, context.workingFolder);
  const client = await context.connect();
  const code = options.code ? await sendCode(context, client) : undefined;
  const made = await client.perform(submitExecutionOperation, {
    name: options.name ?? command[0]?.split('/').at(-1) ?? 'run',
    steps: { main: step },
    ...(options.priority !== undefined && { priority: options.priority }),
    ...(code !== undefined && { code }),
  });
  if (!options.wait) {
    if (context.globals.output === 'name') context.terminal.out(`${made.id}\n`);
    else if (!(await printedForPrograms(context, made))) {
      context.terminal.out(`Run ${made.id} is submitted; see it with: dais logs -f ${made.id}\n`);
    }
    return exitCodes.ok.code;
  }
  remark(context, `Run ${made.id}`);
  const exitCode = await followRun(context, client, made);
  const ended = await client.perform(readExecutionOperation, { id: made.id });
  if (context.globals.output === 'name') context.terminal.out(`${made.id}\n`);
  else await printedForPrograms(context, ended);
  return exitCode;
};

async function sendCode(context: Context, client: DaisClient): Promise<Code | undefined> {
  const snapshot = await takeSnapshot(context.workingFolder, context.environment.variables);
  const { commit, repository, dirty } = snapshot;
  const about = {
    ...(commit !== undefined && { commit }),
    ...(repository !== undefined && { repository }),
    ...(dirty !== undefined && { dirty }),
  };
  if (snapshot.files.length === 0) return commit === undefined ? undefined : { ...about, files: [] };
  return { ...about, files: await sendFiles(context, client, snapshot) };
}

async function sendFiles(context: Context, client: DaisClient, { files, bytes }: CodeSnapshot): Promise<Code['files']> {
  const sent: Code['files'] = [];
  const left = [...files];
  const what = `${countText(files.length, 'file')}, ${bytesText(bytes)}`;
  const lane = async (): Promise<void> => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      context.signal.throwIfAborted();
      const { path, executable } = file;
      const bytesOf = Readable.toWeb(createReadStream(join(context.workingFolder, path))) as ReadableStream<Uint8Array>;
      const { upload } = await client.upload(uploadForExecutionOperation, {}, bytesOf, { signal: context.signal });
      sent.push({ path, upload, executable });
      context.terminal.progress(`Sending the code (${what}): ${sent.length} of ${files.length}`);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: UPLOADS }, lane));
  context.terminal.progress('');
  for (const one of lanes) if (one.status === 'rejected') throw asError(one.reason);
  return sent;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DaisError('invalid_request', String(reason));
}
