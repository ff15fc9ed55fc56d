/** Follows a run to its end: prints the output of its step, and returns the exit code. */
import type { DaisClient } from '@dais/api';
import {
  cancelExecutionOperation,
  listExecutionAttemptsOperation,
  readExecutionLogOperation,
  readExecutionOperation,
  type Execution,
} from '@dais/api/executions';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { remark } from '#output/result.ts';

const POLL_MS = 250;
/** Notes change rarely: how often they are read until the step has started. */
const NOTE_MS = 2000;
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

export interface LogWish {
  readonly id: string;
  readonly node?: string | undefined;
  /** Includes later output, to the end. */
  readonly follow: boolean;
  /** Called once when Ctrl-C is pressed; without it, Ctrl-C ends following. */
  readonly interrupted?: () => Promise<void>;
  /** Called while there is no new output. */
  readonly idle?: () => Promise<void>;
}

/** True when the run has ended. */
export async function printLog(context: Context, client: DaisClient, wish: LogWish): Promise<boolean> {
  const { id, node, follow, interrupted, idle } = wish;
  // With an output format for programs, the standard output is for the record of the run.
  const print = (text: string) =>
    context.globals.output === 'table' ? context.terminal.out(text) : context.terminal.err(text);
  let isReported = false;
  for (let cursor: string | undefined; ;) {
    const input = { id, ...(node !== undefined && { node }), ...(cursor !== undefined && { cursor }) };
    const log = await client.perform(readExecutionLogOperation, input);
    if (log.text !== '') print(log.text);
    if (log.ended) return true;
    if (log.text === '' && !follow) return false;
    if (context.signal.aborted && !isReported) {
      isReported = true;
      if (interrupted === undefined) return false;
      await interrupted();
    }
    cursor = log.cursor === '' ? undefined : log.cursor;
    if (log.text === '') {
      await idle?.();
      await pause(context, isReported);
    }
  }
}

/** A short delay that ends early at the first Ctrl-C. */
async function pause({ signal }: Context, isReported: boolean): Promise<void> {
  await delay(POLL_MS, undefined, isReported ? {} : { signal }).catch(() => {});
}

/** Prints the output of the only step of a run; Ctrl-C cancels the run. Returns the exit code of the step. */
export async function followRun(context: Context, client: DaisClient, { id }: Pick<Execution, 'id'>): Promise<number> {
  await printLog(context, client, {
    id,
    follow: true,
    idle: noteReporter(context, client, id),
    interrupted: async () => {
      remark(context, 'Canceling the job. Press Ctrl-C again to stop watching.');
      await client.perform(cancelExecutionOperation, { id });
    },
  });
  const run = await endOf(context, client, id);
  const { items } = await client.perform(listExecutionAttemptsOperation, { id, limit: 1000 });
  const last = items.at(-1);
  if (run.state === 'canceled') return exitCodes.interrupted.code;
  if (run.state === 'succeeded') return exitCodes.ok.code;
  if (last?.error !== undefined) context.terminal.err(`${context.terminal.errStyle.fail('error:')} ${last.error}\n`);
  if (last?.ending !== 'exit') return exitCodes.failed.code;
  // As a shell returns it. A step that failed for another reason than its exit code did not succeed either.
  const code = last.code ?? 128 + (SIGNALS[last.signal ?? ''] ?? 0);
  return code === 0 ? exitCodes.failed.code : code;
}

/** Returns a function that reports what the only step of a run waits for on its target, each time that it changes. */
function noteReporter(context: Context, client: DaisClient, id: string): () => Promise<void> {
  let next = context.now() + NOTE_MS;
  let isStarted = false;
  let reported: string | undefined;
  return async () => {
    if (isStarted || context.now() < next) return;
    next = context.now() + NOTE_MS;
    const { items } = await client.perform(listExecutionAttemptsOperation, { id, limit: 1000 });
    const last = items.at(-1);
    isStarted = last?.state === 'started';
    const { note, target = '' } = last ?? {};
    if (note !== undefined && note !== reported) remark(context, `Target ${target}: the step ${note}.`);
    reported = note;
  };
}

/** Waits for the end of a run with any number of steps; Ctrl-C cancels it. */
export async function waitForRun(context: Context, client: DaisClient, id: string): Promise<Execution> {
  let isReported = false;
  for (;;) {
    const run = await client.perform(readExecutionOperation, { id });
    if (run.endedAt !== undefined) return run;
    if (context.signal.aborted && !isReported) {
      isReported = true;
      remark(context, 'Canceling the job. Press Ctrl-C again to stop watching.');
      await client.perform(cancelExecutionOperation, { id });
    }
    await pause(context, isReported);
  }
}

/** The log ends with the step, and the run right after it. */
async function endOf(context: Context, client: DaisClient, id: string): Promise<Execution> {
  for (;;) {
    const run = await client.perform(readExecutionOperation, { id });
    if (run.endedAt !== undefined) return run;
    await pause(context, true);
  }
}
