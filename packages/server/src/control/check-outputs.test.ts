import { defineOperation } from '@dais/api';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { downloadEntry, entry, type Call, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { checkOutputs } from './check-outputs.ts';

const operation = defineOperation({
  name: 'probe.read',
  action: 'probe:read',
  mode: 'read',
  scope: 'project',
  summary: 'For tests.',
  input: z.strictObject({}),
  // The types do not limit the length of a string: only the validation does.
  output: z.strictObject({ text: z.string().max(3) }),
  http: { method: 'GET', path: '/api/v1/probe', status: 200 },
});
// The handlers below use neither.
const tx = {} as Transaction;
const call = {} as Call;

/** Calls a handler of any form with one call and returns its answer. */
async function answerOf({ handling }: OperationEntry): Promise<unknown> {
  if (typeof handling === 'function') return await handling(tx, call);
  if ('perform' in handling) return await handling.perform(call);
  if ('share' in handling) return (await handling.share(tx, [call]))[0];
  const frames: unknown[] = [];
  for await (const frame of handling.stream(call)) frames.push(frame);
  return frames;
}

const forms = {
  transaction: (text: string) => entry(operation, async () => ({ text })),
  perform: (text: string) => entry(operation, { perform: async () => ({ text }) }),
  share: (text: string) => entry(operation, { share: async () => [{ value: { text } }] }),
  stream: (text: string) =>
    entry(operation, {
      stream: async function* () {
        yield { text };
      },
    }),
};

describe.each(Object.entries(forms))('a handler of the form %s', (_form, make) => {
  test('returns an answer that matches its schema unchanged', async () => {
    expect(await answerOf(checkOutputs(make('yes')))).toEqual(await answerOf(make('yes')));
  });

  test('fails for an output that does not match its schema', async () => {
    expect(await answerOf(make('too long'))).toBeDefined();
    await expect(answerOf(checkOutputs(make('too long')))).rejects.toThrow(
      'The output of probe.read does not match its schema',
    );
  });
});

test('an answer with a property that the schema does not name fails', async () => {
  const more = { text: 'yes', secret: 1 };
  await expect(answerOf(checkOutputs(entry(operation, async () => more)))).rejects.toThrow('secret');
});

test('errors of shared reads and the bytes of downloads are not validated', async () => {
  const error = new Error('not found');
  const failing = entry(operation, { share: async () => [{ error }] });
  expect(await answerOf(checkOutputs(failing))).toEqual({ error });
  const download = defineOperation({
    ...operation,
    output: z.strictObject({ size: z.int(), sha256: z.string().nullable() }),
  });
  const open = async () => await Promise.reject(error);
  const file = { size: 1, sha256: null, open };
  expect(await answerOf(checkOutputs(downloadEntry(download, async () => file)))).toBe(file);
});
