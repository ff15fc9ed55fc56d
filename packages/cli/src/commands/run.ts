/** `dais run`: uploads the code of the working folder and runs a command with it on the server. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { countNoun, type DaisClient, DaisError } from '@dais/api';
import {
  readExecutionOperation,
  submitExecutionOperation,
  uploadForExecutionOperation,
  type Execution,
  type SubmitExecutionInput,
} from '@dais/api/executions';
import type { Context, Run } from '#context.ts';
import { EXPERIMENT_NAME } from '#clients/mlflow-variables.ts';
import { exitCodes } from '#exit-codes.ts';
import { bytesText } from '#output/amounts.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { takeSnapshot, type CodeSnapshot } from '#runs/code-snapshot.ts';
import { splitKnown } from '#runs/known-files.ts';
import { followRun } from '#runs/follow-run.ts';
import { stepOf, type StepOptions } from '#runs/step-options.ts';

interface RunOptions extends StepOptions {
  readonly name?: string;
  readonly code: boolean;
  readonly wait: boolean;
  readonly priority?: number;
}

type Step = SubmitExecutionInput['steps'][string];
type Code = NonNullable<SubmitExecutionInput['code']>;

/** Number of parallel uploads. */
const UPLOADS = 8;

export const run: Run<RunOptions> = async (context, command, options) => {
  const step = withExperiment(context, await stepOf(command, options, context.workingFolder));
  const client = await context.connect();
  const submit = async (reuse: boolean): Promise<Execution> => {
    const code = options.code ? await sendCode(context, client, reuse) : undefined;
    return await client.perform(
      submitExecutionOperation,
      {
        name: options.name ?? command[0]?.split('/').at(-1) ?? 'run',
        steps: { main: step },
        ...(options.priority !== undefined && { priority: options.priority }),
        ...(code !== undefined && { code }),
      },
      { idempotencyKey: randomUUID() },
    );
  };
  const made = await submit(true).catch(async (error: unknown) => {
    // The run with the reusable files was deleted meanwhile.
    if (error instanceof DaisError && error.status === 404) return await submit(false);
    throw error;
  });
  if (!options.wait) {
    if (context.globals.output === 'name') context.terminal.out(`${made.id}\n`);
    else if (!(await printedForPrograms(context, made))) {
      context.terminal.out(`Job ${made.id} submitted. Follow it with: dais logs -f ${made.id}\n`);
    }
    return exitCodes.ok.code;
  }
  remark(context, `Job ${made.id}`);
  const exitCode = await followRun(context, client, made);
  const ended = await client.perform(readExecutionOperation, { id: made.id });
  if (context.globals.output === 'name') context.terminal.out(`${made.id}\n`);
  else await printedForPrograms(context, ended);
  return exitCode;
};

/** The experiment of the shell's environment, as for a local script. */
function withExperiment({ environment }: Context, step: Step): Step {
  const named = environment.variables[EXPERIMENT_NAME];
  if (step.tracking !== undefined || !named || step.variables?.[EXPERIMENT_NAME] !== undefined) return step;
  return { ...step, variables: { ...step.variables, [EXPERIMENT_NAME]: named } };
}

/** `reuse`: files of the latest runs are referenced, not sent. */
export async function sendCode(context: Context, client: DaisClient, reuse = false): Promise<Code | undefined> {
  const snapshot = await takeSnapshot(context.workingFolder, context.environment.variables);
  const { commit, repository, dirty } = snapshot;
  const about = {
    ...(commit !== undefined && { commit }),
    ...(repository !== undefined && { repository }),
    ...(dirty !== undefined && { dirty }),
  };
  if (snapshot.files.length === 0) return commit === undefined ? undefined : { ...about, files: [] };
  return { ...about, files: await sendFiles(context, client, snapshot, reuse) };
}

async function sendFiles(
  context: Context,
  client: DaisClient,
  { files }: CodeSnapshot,
  reuse: boolean,
): Promise<Code['files']> {
  const { known, unknown } = reuse
    ? await splitKnown(client, context.workingFolder, files)
    : { known: [], unknown: files };
  const sent: Code['files'] = [...known];
  const left = [...unknown];
  const bytes = unknown.reduce((sum, { size }) => sum + size, 0);
  const what = `${countNoun(unknown.length, 'file')}, ${bytesText(bytes)}`;
  const lane = async (): Promise<void> => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      context.signal.throwIfAborted();
      const { path, executable } = file;
      const bytesOf = () =>
        Readable.toWeb(createReadStream(join(context.workingFolder, path))) as ReadableStream<Uint8Array>;
      const { upload } = await client.upload(uploadForExecutionOperation, {}, bytesOf, { signal: context.signal });
      sent.push({ path, upload, executable });
      context.terminal.progress(`Uploading code (${what}): ${sent.length - known.length} of ${unknown.length}`);
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
