/** `dais features materialize` and `build`: start the work and follow it to its end. */
import { countNoun } from '@dais/api';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  buildFeaturesOperation,
  materializeFeaturesOperation,
  readFeatureBuildOperation,
  readMaterializationOperation,
} from '@dais/api/data';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { readSelection, type SelectionOptions } from './selection.ts';

const POLL_MS = 300;

interface Work {
  readonly id: string;
  readonly state: string;
  readonly error?: string | undefined;
}

/** Polls until the work has ended; prints the result with the text of `done`. */
async function follow<One extends Work>(
  context: Context,
  begun: One,
  get: () => Promise<One>,
  { follows, done }: { readonly follows: boolean; readonly done: (ended: One) => string },
): Promise<number> {
  let work = begun;
  if (follows) {
    while (['pending', 'running'].includes(work.state)) {
      await wait(POLL_MS);
      work = await get();
    }
  }
  const failed = follows && work.state !== 'succeeded';
  const code = failed ? exitCodes.failed.code : exitCodes.ok.code;
  if (context.globals.output === 'name') context.terminal.out(`${work.id}\n`);
  else if (!(await printedForPrograms(context, work))) {
    if (failed) context.terminal.err(`The job ${work.state}: ${work.error ?? 'no error message'}\n`);
    else if (follows) context.terminal.out(`${done(work)}\n`);
    else remark(context, `Started: ${work.id}`);
  }
  return code;
}

export const materialize: Run<{
  readonly full?: true;
  readonly from?: string;
  readonly to?: string;
  readonly wait: boolean;
}> = async (context, [view = ''], { full, from, to, wait: follows }) => {
  const client = await context.connect();
  const begun = await client.perform(
    materializeFeaturesOperation,
    {
      view,
      mode: full === true ? 'full' : 'incremental',
      ...(from !== undefined && { start: momentOf(from) }),
      ...(to !== undefined && { end: momentOf(to) }),
    },
    { idempotencyKey: randomUUID() },
  );
  const get = async () => await client.perform(readMaterializationOperation, { id: begun.id });
  return await follow(context, begun, get, {
    follows,
    done: ({ entities, written, end }) =>
      `${view} is materialized up to ${end}: ${entities} entities, ${written} with newer values.`,
  });
};

export const build: Run<
  SelectionOptions & {
    readonly entities?: string;
    readonly eventTime?: string;
    readonly from?: string;
    readonly to?: string;
    readonly createdCutoff?: true;
    readonly fullNames?: true;
    readonly wait: boolean;
  }
> = async (
  context,
  [dataset = ''],
  { entities, eventTime, from, to, createdCutoff, fullNames, wait: follows, ...options },
) => {
  const client = await context.connect();
  const begun = await client.perform(
    buildFeaturesOperation,
    {
      ...readSelection(options),
      to: dataset,
      createdCutoff: createdCutoff === true,
      fullNames: fullNames === true,
      ...(entities !== undefined && { entities }),
      ...(eventTime !== undefined && { eventTime }),
      ...(from !== undefined && { start: momentOf(from) }),
      ...(to !== undefined && { end: momentOf(to) }),
    },
    { idempotencyKey: randomUUID() },
  );
  const get = async () => await client.perform(readFeatureBuildOperation, { id: begun.id });
  return await follow(context, begun, get, {
    follows,
    done: ({ version, rows, sources }) =>
      `${dataset}@${version}: ${countNoun(rows ?? 0, 'row')}, from ${sources.join(', ')}.`,
  });
};

/** `2026-11-01` is its first instant, in UTC. */
function momentOf(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
}
